"""The words and symbols of the board, which each face shows in its own way; made from the document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from .documents.board import BoardDoc, BoardProject, BoardRow
from .status import age

GROUPS = ("needs_you", "working", "idle", "running", "stopped", "trouble")
SYMBOLS = {"needs_you": "▲", "working": "●", "idle": "○", "running": "◌", "stopped": "■", "trouble": "✗"}
WORDS = {
    "needs_you": "needs you",
    "working": "working",
    "idle": "idle",
    "running": "running",
    "stopped": "stopped",
    "trouble": "trouble",
}
_RESTS = {"declared": "new", "archived": "archived", "terminated": "ended"}
_STATES = {"waiting": "asks", "dialog": "asks", "busy": "works", "idle": "idle"}
_UNITS = ("k", "M", "G", "T")
_FULL, _EXACT = 999.5, 99.95  # from there on the next unit is used; from there on there are no decimals
_NAMED = 2  # projects that are named; of more, only the number is told
_ENDS = {"exited": "exited", "unknown": "unknown", "foreign": "foreign"}


# --- projects ---------------------------------------------------------------------------------


def shown_projects(document: BoardDoc) -> list[BoardProject]:
    """The projects that are not left out."""
    return [each for each in document["projects"] if each["error"] is None]


def projects_of(document: BoardDoc) -> str:
    """Which projects are shown: their names, or how many there are."""
    names = [each["project"] for each in shown_projects(document)]
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} projects"


def labelled(document: BoardDoc) -> BoardDoc:
    """The document as people read it: projects of the same name are also called by what tells their paths apart."""
    labels = dict(_labels(shown_projects(document)))
    if not labels:
        return document
    return {
        **document,
        "projects": [
            {**each, "project": labels.get(each["registry"], each["project"])} for each in document["projects"]
        ],
        "agents": [{**row, "project": labels.get(row["registry"], row["project"])} for row in document["agents"]],
    }


def _labels(projects: list[BoardProject]) -> Iterator[tuple[str, str]]:
    """The registry and the label of each project whose name another one has, too."""
    names = [each["project"] for each in projects]
    for name in {each for each in names if names.count(each) > 1}:
        same = [each for each in projects if each["project"] == name]
        folders = [each["folder"] for each in same]
        paths = folders if len({*folders}) == len(same) else [each["registry"] for each in same]
        for each, tail in zip(same, _tails(paths), strict=True):
            yield each["registry"], tail if f"/{tail}".endswith(f"/{name}") else f"{name} ({tail})"


def _tails(paths: list[str]) -> list[str]:
    """The last parts of each path: as few as tell them apart."""
    parts = [path.strip("/").split("/") for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        tails = ["/".join(each[-count:]) for each in parts]
        if len({*tails}) == len(tails):
            return tails
    return paths


def left_out_of(document: BoardDoc) -> Iterator[str]:
    """A line for each project that is left out: why, and what to do."""
    for project in document["projects"]:
        if error := project["error"]:
            said = "; ".join(filter(None, (error["summary"], error["fix"])))
            yield f"{project['folder']} is left out: {said}"


def nothing_of(document: BoardDoc) -> str:
    """What to do about a board without agents."""
    if document["projects"]:
        return "No agents are declared or recorded. `reconciler init` writes a manifest to start from."
    return "No project is noted. `reconciler apply` in a project notes it."


# --- agents -----------------------------------------------------------------------------------


def need_of(row: BoardRow) -> int:
    """The place of its group: those that need the user come first."""
    return GROUPS.index(row["group"])


def counts_of(rows: Iterable[BoardRow]) -> dict[str, int]:
    """How many agents each group has, without empty groups, in the order of the groups."""
    found: list[str] = [row["group"] for row in rows]
    return {group: count for group in GROUPS if (count := found.count(group))}


def counted(group: str, count: int) -> str:
    """How many agents a group has, in words."""
    return f"{count} {'need you' if group == 'needs_you' and count != 1 else WORDS[group]}"


def matches(row: BoardRow, wanted: str) -> bool:
    """Whether an agent has every word of a filter in its line, in upper or lower case."""
    return all(word in _searched(row) for word in wanted.lower().split())


def age_of(row: BoardRow, now: datetime) -> str:
    """How long it has been in its state; seconds are not counted, because they would change all the time."""
    since = age(row["state_since"], now)
    return "" if since == "-" else "<1m" if since.endswith("s") else since


def name_of(row: BoardRow, *, typed: bool) -> str:
    """Its name in its project; `typed` adds its CLI if the name does not say it."""
    name = f"{row['workspace']}.{row['agent']}"
    return f"{name} ({row['type']})" if typed and row["type"] not in {row["agent"], ""} else name


def state_of(row: BoardRow) -> str:
    """What it does, in a word."""
    if row["live"] == "alive":
        return _STATES.get(row["state"], "runs")
    if row["live"] in _ENDS:
        return _ENDS[row["live"]]
    return "lost" if row["group"] == "trouble" else _RESTS.get(row["status"], "stopped")


def says_of(row: BoardRow, *, with_job: bool) -> str:
    """What it asks or waits for; else what is wrong; else its last message."""
    if row["group"] == "needs_you":
        return row["question"] or _waits_for(row)
    if row["group"] == "trouble":
        return row["note"]
    message = row["message"]["text"] if row["message"] else ""
    text = f"> {message}" if row["message"] and row["message"]["role"] == "user" else message
    job = f"job {row['job']['status']}" if with_job and row["job"] else ""
    return ": ".join(filter(None, (job, text)))


def branch_of(row: BoardRow) -> str:
    """Its branch, how many files are not committed, and the lines that it added and removed."""
    work = row["work"]
    if work is None:
        return ""
    changes = [f"*{work['uncommitted']}"] if work["uncommitted"] else []
    changes += [f"+{work['added']} -{work['removed']}"] if work["added"] or work["removed"] else []
    return " ".join([work["branch"], *changes])


def job_of(row: BoardRow) -> str:
    """Its open job."""
    return f"{row['job']['status']} {row['job']['id']}" if row["job"] else ""


def tokens_of(row: BoardRow) -> str:
    """The tokens that it used today, in at most five characters; empty where that is not known, or for none."""
    tokens = row["tokens_today"]
    if not tokens:
        return ""
    size, unit = float(tokens), ""
    for larger in _UNITS:
        if size < _FULL:
            break
        size, unit = size / 1000, larger
    return f"{tokens}" if not unit else f"{size:.0f}{unit}" if size >= _EXACT else f"{size:.1f}{unit}"


def _waits_for(row: BoardRow) -> str:
    return "asks for a permission" if row["waits_for"] == "permission" else f"waits at the {row['waits_for']} dialog"


def _searched(row: BoardRow) -> str:
    parts = [row["project"], f"{row['workspace']}.{row['agent']}", row["type"], row["session"], row["state"]]
    parts += [row["folder"]]
    parts += [WORDS[row["group"]], row["status"], row["note"], row["question"] or ""]
    parts += [row["work"]["branch"]] if row["work"] else []
    parts += [row["job"]["id"], row["job"]["status"]] if row["job"] else []
    parts += [row["message"]["text"]] if row["message"] else []
    return " ".join(parts).lower()

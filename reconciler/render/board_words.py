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


def names_of(document: BoardDoc) -> list[str]:
    """The different names of the projects that are shown; the same project may be on several hosts."""
    return list(dict.fromkeys(each["project"] for each in shown_projects(document)))


def projects_of(document: BoardDoc) -> str:
    """Which projects are shown: their names, or how many there are, and on how many hosts."""
    names, hosts = names_of(document), len(document["hosts"])
    told = ", ".join(names) if len(names) <= _NAMED else f"{len(names)} projects"
    return told if not hosts else f"{told} on {hosts} host{'s' if hosts > 1 else ''}".lstrip()


def labelled(document: BoardDoc) -> BoardDoc:
    """The document as people read it: projects of the same name are also called by what tells their paths apart."""
    shown = shown_projects(document)
    hosts = dict.fromkeys(each["host"] for each in shown)
    labels = {key: label for host in hosts for key, label in _labels([each for each in shown if each["host"] == host])}
    if not labels:
        return document
    return {
        **document,
        "projects": [{**each, "project": labels.get(_place(each), each["project"])} for each in document["projects"]],
        "agents": [{**row, "project": labels.get(_place(row), row["project"])} for row in document["agents"]],
    }


def _place(of: BoardProject | BoardRow) -> tuple[str, str]:
    """What identifies a project: its host and its registry."""
    return of["host"], of["registry"]


def _labels(projects: list[BoardProject]) -> Iterator[tuple[tuple[str, str], str]]:
    """The place and the label of each project of one host whose name another one has, too."""
    names = [each["project"] for each in projects]
    for name in {each for each in names if names.count(each) > 1}:
        same = [each for each in projects if each["project"] == name]
        folders = [each["folder"] for each in same]
        paths = folders if len({*folders}) == len(same) else [each["registry"] for each in same]
        for each, tail in zip(same, _tails(paths), strict=True):
            yield _place(each), tail if f"/{tail}".endswith(f"/{name}") else f"{name} ({tail})"


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
            yield f"{_on(project['host'])}{project['folder']} is left out: {said}"


def troubles_of(document: BoardDoc) -> Iterator[str]:
    """A line for each thing that is wrong with projects, and with their notes."""
    yield from (
        f"{_on(project['host'])}{each['summary']}"
        for project in document["projects"]
        for each in project["diagnostics"]
    )
    yield from (each["summary"] for each in document["diagnostics"])


def _on(host: str) -> str:
    return f"{host}: " if host else ""


def host_lines(document: BoardDoc) -> Iterator[tuple[str, bool]]:
    """A line for each host that did not answer, or has no agents, and whether something is wrong with it."""
    inhabited = {row["host"] for row in document["agents"]}
    for each in document["hosts"]:
        if each["outcome"] != "ok":
            took = f" ({each['seconds']:.0f} s)" if each["outcome"] == "unreachable" else ""
            yield f"✗ {each['host']}  {each['outcome']}{took}: {each['said']}", True
        elif each["host"] not in inhabited:
            yield f"  {each['host']}  no agents", False


def nothing_of(document: BoardDoc) -> str:
    """What to do about a board without agents; empty if its lines say it."""
    if document["hosts"]:
        return ""  # each host has a line
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
    parts += [row["folder"], row["host"]]
    parts += [WORDS[row["group"]], row["status"], row["note"], row["question"] or ""]
    parts += [row["work"]["branch"]] if row["work"] else []
    parts += [row["job"]["id"], row["job"]["status"]] if row["job"] else []
    parts += [row["message"]["text"]] if row["message"] else []
    return " ".join(parts).lower()

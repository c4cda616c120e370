"""The documents and texts about all projects: their agents, and their drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler import __version__
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.harmless import one_line
from reconciler.model.project_note import ProjectNote

from .document import diagnostic_document
from .documents import FORMAT_VERSION
from .drift import drift_text
from .status import age, detail_text, shown_state
from .status_groups import agent_lines, count_line, hints, name_of
from .table import table

if TYPE_CHECKING:
    from .documents.board import BoardDoc, BoardProject, BoardRow
    from .documents.common import DiagnosticDoc
    from .documents.drift import DriftsDoc
    from .documents.drift_all import AllDriftDoc, ProjectDriftDoc

_COLUMNS = ("AGENT", "STATUS", "LIVE", "STATE", "CONVERSATION", "AGE", "NOTE")
_NONE = "No project is noted. `reconciler apply` notes its project; `reconciler projects list` lists them."


class ProjectDrift(Struct, frozen=True):
    """The drift of one noted project, or why it is left out."""

    note: ProjectNote
    drift: DriftsDoc | None = None
    error: Diagnostic | None = None


# --- status -----------------------------------------------------------------------------------


def all_status_text(document: BoardDoc, now: datetime) -> Iterator[str]:
    """The agents of each project below its folder, in columns that all projects share."""
    projects, shown = document["projects"], document["agents"]
    if not (projects or document["diagnostics"]):
        yield _NONE
        return
    if len(shown) == 1 and "detail" in shown[0]:
        yield from _one_agent(document, shown[0], now)
        return
    head, *lines = table([_COLUMNS, *(_cells(agent, now) for agent in shown)])
    rows: dict[str, list[str]] = {project["registry"]: [] for project in projects}
    for agent, line in zip(shown, lines, strict=True):
        rows[agent["registry"]].append(f"  {line}")
    yield from [f"  {head}"] if shown else []
    for project in projects:
        own = rows[project["registry"]]
        yield _headline(project, has_agents=bool(own))
        yield from own


def all_groups_text(document: BoardDoc, now: datetime, width: int) -> Iterator[str]:
    """The same for a terminal of `width` columns: the agents of each project in groups.

    The lines have colours of their own; all text in them is already harmless.
    """
    projects, shown = document["projects"], document["agents"]
    if not shown or "detail" in shown[0]:
        yield from map(one_line, all_status_text(document, now))
        return
    yield count_line(shown)
    names = max(len(name_of(agent)) for agent in shown)
    for project in projects:
        own = [agent for agent in shown if agent["registry"] == project["registry"]]
        yield one_line(_headline(project, has_agents=bool(own)))
        yield from agent_lines(own, now, width, names=names)
    yield from hints(shown)


def _headline(project: BoardProject, *, has_agents: bool) -> str:
    if project["error"]:
        return _left_out(project["folder"], project["error"])
    return f"{project['folder']}:{'' if has_agents else ' no agents'}"


def _one_agent(document: BoardDoc, agent: BoardRow, now: datetime) -> Iterator[str]:
    for project in document["projects"]:
        if project["error"]:
            yield _left_out(project["folder"], project["error"])
        elif project["registry"] == agent["registry"]:
            yield f"{project['folder']}:"
            yield from (f"  {line}" for line in detail_text(agent, now))


def _cells(agent: BoardRow, now: datetime) -> tuple[str, ...]:
    short = agent["address"].partition(".")[2]
    return (
        short if agent["agent"] == agent["type"] else f"{short} ({agent['type']})",
        agent["status"],
        agent["live"],
        shown_state(agent) or "-",
        (agent["conversation"] or "-")[:8],
        age(agent["since"], now),
        agent["note"],
    )


def status_warnings(document: BoardDoc) -> Iterator[DiagnosticDoc]:
    """The messages beside the text, each with its project."""
    for project in document["projects"]:
        yield from (_of(project["folder"], each) for each in project["diagnostics"])
    yield from document["diagnostics"]


def status_is_sure(document: BoardDoc) -> bool:
    """Whether every project could be looked at."""
    errors = [project["error"] for project in document["projects"] if project["error"]]
    return all(each["severity"] == "warning" for each in [*errors, *status_warnings(document)])


# --- drift ------------------------------------------------------------------------------------


def all_drift_document(projects: Iterable[ProjectDrift], diagnostics: Sequence[Diagnostic]) -> AllDriftDoc:
    """The document of `drift --all --json`."""
    shown = [_drift_of_one(each) for each in projects]
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "projects": shown,
        "in_sync": not (any(_drifts(each) or _is_doubtful(each) for each in shown) or diagnostics),
        "diagnostics": [diagnostic_document(each) for each in diagnostics],
    }


def _drift_of_one(project: ProjectDrift) -> ProjectDriftDoc:
    return {
        "root": project.note.root,
        "registry": project.note.registry,
        "drift": project.drift,
        "error": diagnostic_document(project.error) if project.error else None,
    }


def _drifts(project: ProjectDriftDoc) -> bool:
    found = project["drift"]
    return found is not None and bool(found["drifts"] or found["resource_changes"])


def _is_doubtful(project: ProjectDriftDoc) -> bool:
    """Whether something of the project could not be checked."""
    said = [*(project["drift"]["diagnostics"] if project["drift"] else []), *filter(None, [project["error"]])]
    return any(each["severity"] != "warning" for each in said)


def doubtful_projects(document: AllDriftDoc) -> int:
    """How many projects could not be checked, or not completely; notes that cannot be read count, too."""
    return sum(map(_is_doubtful, document["projects"])) + len(document["diagnostics"])


def drifting_projects(document: AllDriftDoc) -> int:
    """How many projects drift."""
    return sum(map(_drifts, document["projects"]))


def all_drift_text(document: AllDriftDoc) -> Iterator[str]:
    """One line for each project in sync or left out; the drift of the others below their folder; then the count."""
    projects = document["projects"]
    if not (projects or document["diagnostics"]):
        yield _NONE
        return
    for project in projects:
        if project["error"]:
            yield _left_out(project["root"], project["error"])
        elif project["drift"] and not project["drift"]["in_sync"]:
            yield f"{project['root']}:"
            yield from (f"  {line}".rstrip() for line in drift_text(project["drift"]))
        else:
            yield f"{project['root']}: no drift"
    yield ""
    yield _conclusion(document)


def _conclusion(document: AllDriftDoc) -> str:
    every, drifting, doubtful = len(document["projects"]), drifting_projects(document), doubtful_projects(document)
    checked = f"{every} project{'' if every == 1 else 's'}"
    unsure = f" {doubtful} could not be checked." if doubtful else ""
    return f"Drift in {drifting} of {checked}.{unsure}" if drifting else f"No drift in {checked}.{unsure}"


def drift_warnings(document: AllDriftDoc) -> Iterator[DiagnosticDoc]:
    """The messages beside the text, each with its project."""
    for project in document["projects"]:
        found = project["drift"]
        yield from (_of(project["root"], each) for each in (found["diagnostics"] if found else []))
    yield from document["diagnostics"]


# --- both -------------------------------------------------------------------------------------


def _left_out(root: str, error: DiagnosticDoc) -> str:
    """Why a project is left out, in one line."""
    place = f"{error['file']}:{error['line']}" if error["file"] else ""
    said = "; ".join(part for part in (error["summary"], error["detail"], place, error["fix"]) if part)
    return f"{root}: {'left out' if error['severity'] == 'warning' else 'cannot be read'}: {said}"


def _of(root: str, diagnostic: DiagnosticDoc) -> DiagnosticDoc:
    return {**diagnostic, "summary": f"{root}: {diagnostic['summary']}"}

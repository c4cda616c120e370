"""The board: the JSON document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from reconciler.kinds.agent.status import AgentStatus
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.harmless import one_line
from reconciler.model.job import Job

from .document import diagnostic_document
from .documents import FORMAT_VERSION
from .documents.board import BoardDoc, BoardJob, BoardMessage, BoardProject, BoardRow, BoardWork
from .documents.diff import DiffDoc
from .documents.last import LastDoc

_LONGEST = 500  # characters of a message or a question


class AgentFacts(Struct, frozen=True):
    """What is known of an agent beyond its status."""

    question: str = ""
    """The question of the permission dialog on its screen."""
    last: LastDoc | None = None
    diff: DiffDoc | None = None
    job: Job | None = None
    """Its newest job that has not ended."""


class ProjectOverview(Struct, frozen=True):
    """What is seen of a project."""

    project: str
    """Its name."""
    folder: str
    agents: tuple[tuple[AgentStatus, AgentFacts], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def board_document(sights: Iterable[ProjectOverview]) -> BoardDoc:
    """The document of `board --json`."""
    seen = list(sights)
    return {
        "format_version": FORMAT_VERSION,
        "projects": [_project(each) for each in seen],
        "agents": [row for each in seen for row in _rows(each)],
    }


def _project(sight: ProjectOverview) -> BoardProject:
    diagnostics = [diagnostic_document(each) for each in sight.diagnostics]
    return {"project": sight.project, "folder": sight.folder, "diagnostics": diagnostics}


def _rows(sight: ProjectOverview) -> Iterator[BoardRow]:
    for agent, facts in sight.agents:
        yield {
            "project": sight.project,
            "folder": sight.folder,
            "workspace": agent.address.workspace,
            "agent": agent.address.agent,
            "type": agent.type,
            "address": str(agent.address),
            "session": agent.session,
            "group": agent.group.value,
            "status": agent.status,
            "live": agent.live,  # type: ignore[typeddict-item] # one of the five, by construction
            "state": agent.state,
            "state_since": agent.state_since or None,
            "waits_for": agent.waits_for or None,
            "question": _short(facts.question) or None,
            "message": _message(facts.last),
            "work": _work(facts.diff),
            "job": _job(facts.job),
            "note": agent.note,
        }


def _message(last: LastDoc | None) -> BoardMessage | None:
    if last is None or not last["messages"]:
        return None
    newest = last["messages"][-1]
    return {"role": newest["role"], "at": newest["at"], "text": _short(newest["text"])}


def _work(diff: DiffDoc | None) -> BoardWork | None:
    if diff is None:
        return None
    added, removed = (sum(each[key] or 0 for each in diff["changed"]) for key in ("added", "removed"))
    return {"branch": diff["branch"], "uncommitted": len(diff["uncommitted"]), "added": added, "removed": removed}


def _job(job: Job | None) -> BoardJob | None:
    return {"id": job.id, "status": job.status.value} if job else None


def _short(text: str) -> str:
    """The beginning of a text on one line, made harmless."""
    return one_line(" ".join(text[: 2 * _LONGEST].split()))[:_LONGEST]

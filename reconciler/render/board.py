"""The board: the JSON document. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from .documents.status import StatusDetail

_LONGEST = 500  # characters of a message or a question


class AgentFacts(Struct, frozen=True):
    """What is known of an agent beyond its status."""

    question: str = ""
    """The question of the permission dialog on its screen."""
    last: LastDoc | None = None
    diff: DiffDoc | None = None
    job: Job | None = None
    """Its newest job that has not ended."""
    tokens: int | None = None
    """The tokens that it used today; None if that is not known."""


NO_FACTS = AgentFacts()
_Seen = tuple[AgentStatus, AgentFacts]


class ProjectOverview(Struct, frozen=True):
    """What is seen of a project."""

    project: str
    """Its name; empty if it is not known."""
    folder: str
    registry: str = ""
    agents: tuple[_Seen, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    error: Diagnostic | None = None
    """Why the project is left out."""
    detail: StatusDetail | None = None
    """Of the one agent that was asked for by name."""


def board_document(overviews: Iterable[ProjectOverview], diagnostics: Iterable[Diagnostic] = ()) -> BoardDoc:
    """The document of `board --json`. The diagnostics are about notes of projects that cannot be read."""
    seen = list(overviews)
    return {
        "format_version": FORMAT_VERSION,
        "hosts": [],
        "projects": [_project(each) for each in seen],
        "agents": [row for each in seen for row in _rows(each)],
        "diagnostics": [diagnostic_document(each) for each in diagnostics],
    }


def _project(overview: ProjectOverview) -> BoardProject:
    return {
        "host": "",
        "project": overview.project or posixpath.basename(overview.folder),
        "folder": overview.folder,
        "registry": overview.registry,
        "diagnostics": [diagnostic_document(each) for each in overview.diagnostics],
        "error": diagnostic_document(overview.error) if overview.error else None,
    }


def _rows(overview: ProjectOverview) -> Iterator[BoardRow]:
    for agent, facts in overview.agents:
        row: BoardRow = {
            "host": "",
            "project": overview.project,
            "folder": overview.folder,
            "registry": overview.registry,
            "workspace": agent.address.workspace,
            "agent": agent.address.agent,
            "type": agent.type,
            "address": str(agent.address),
            "session": agent.session,
            "conversation": agent.conversation or None,
            "pid": agent.pid,
            "since": agent.since or None,
            "shows_state": agent.shows_state,
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
            "tokens_today": facts.tokens,
            "note": agent.note,
        }
        if overview.detail:
            row["detail"] = overview.detail
        yield row


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

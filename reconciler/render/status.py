"""The state of all agents: the JSON document, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.kinds.agent.status import AgentStatus
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.moment import read
from reconciler.model.observed import Absent, Observed, Present
from reconciler.model.record import Identity
from reconciler.model.snapshot import Artifact

from .document import NOBODYS, Whose, at_document, diagnostic_document
from .documents import FORMAT_VERSION
from .table import table

if TYPE_CHECKING:
    from .documents.status import HistoryDoc, StatusDetail, StatusDoc, StatusRow

_SHOWN = 5
_SKEW = timedelta(seconds=5)  # how far two clocks may differ
_COLUMNS = ("SESSION", "AGENT", "STATUS", "LIVE", "STATE", "CONVERSATION", "AGE", "GROUP", "FOR", "NOTE")


def status_document(
    agents: Iterable[AgentStatus], diagnostics: Iterable[Diagnostic], whose: Whose = NOBODYS
) -> StatusDoc:
    """The document of `status --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "at": at_document(whose.identity),
        "agents": [_row(agent) for agent in agents],
        "diagnostics": [diagnostic_document(diagnostic) for diagnostic in diagnostics],
    }


def _row(agent: AgentStatus) -> StatusRow:
    return {
        "address": str(agent.address),
        "session": agent.session,
        "agent": agent.address.agent,
        "type": agent.type,
        "status": agent.status,
        "live": agent.live,  # type: ignore[typeddict-item] # one of the five, by construction
        "state": agent.state,
        "conversation": agent.conversation or None,
        "pid": agent.pid,
        "since": agent.since or None,
        "note": agent.note,
        "group": agent.group.value,
        "shows_state": agent.shows_state,
        "state_since": agent.state_since or None,
        "waits_for": agent.waits_for or None,
    }


def detail_document(
    workspace: str, identity: Identity, artifact: Observed[Artifact], history: list[HistoryDoc]
) -> StatusDetail:
    """What `status NAME` shows beyond the line, with the last entries of the history."""
    stored = artifact.value if isinstance(artifact, Present) else None
    resumable = stored.resumable if stored else None
    return {
        "workspace": workspace,
        "stored": stored.path if stored else None,
        "resumable": False if isinstance(artifact, Absent) else resumable,
        "previous": list(identity.previous),
        "history": history[-_SHOWN:],
    }


def detail_text(agent: StatusRow, now: datetime) -> Iterator[str]:
    """One agent with one fact per line; `agent` must have its detail."""
    detail = agent["detail"]
    resumable = {True: "yes", False: "no", None: "unknown"}[detail["resumable"]]
    facts = {
        "session": agent["session"],
        "address": agent["address"],
        "workspace": detail["workspace"],
        "type": agent["type"],
        "status": agent["status"],
        "live": _live(agent, now),
        "pid": str(agent["pid"] or "-"),
        "since": f"{agent['since']} ({age(agent['since'], now)})" if agent["since"] else "-",
        "conversation": agent["conversation"] or "-",
        "stored": detail["stored"] or "-",
        "resumable": resumable,
        "previous": ", ".join(detail["previous"]) or "-",
        "note": agent["note"] or "-",
    }
    width = max(map(len, facts))
    yield from (f"{name:<{width}}  {fact}" for name, fact in facts.items())
    for entry in detail["history"]:
        said = ", ".join(part for part in (entry["reason"], entry["note"]) if part)
        yield f"{'history':<{width}}  {entry['at']}  {entry['what']:<8}  {said}".rstrip()


def is_detail(document: StatusDoc) -> bool:
    """Whether it is about one agent that was asked for by name."""
    return len(document["agents"]) == 1 and "detail" in document["agents"][0]


def status_text(document: StatusDoc, now: datetime) -> Iterator[str]:
    """One line per agent; for an agent asked for by name, one line per fact; a hint when there are none."""
    if is_detail(document):
        yield from detail_text(document["agents"][0], now)
        return
    if not document["agents"]:
        yield "No agents are declared or recorded. `reconciler init` writes a manifest to start from."
        return
    yield from table([_COLUMNS, *(_cells(agent, now) for agent in document["agents"])])


def _cells(agent: StatusRow, now: datetime) -> tuple[str, ...]:
    return (
        agent["session"],
        agent["agent"] if agent["agent"] == agent["type"] else f"{agent['agent']} ({agent['type']})",
        agent["status"],
        agent["live"],
        shown_state(agent) or "-",
        (agent["conversation"] or "-")[:8],
        age(agent["since"], now),
        agent["group"],
        age(agent["state_since"], now),
        agent["note"],
    )


def _live(agent: StatusRow, now: datetime) -> str:
    """Whether it lives, what it does and since when, and what it waits for."""
    state, since = shown_state(agent), age(agent["state_since"], now)
    doing = f"{state} ({since})" if state and since != "-" else state
    waits = f"waits for {agent['waits_for']}" if agent["waits_for"] else ""
    return ", ".join(filter(None, (agent["live"], doing, waits)))


def shown_state(agent: StatusRow) -> str:
    """Its state; empty for one that is not alive, and where agents of its type do not show what they do."""
    return agent["state"] if agent["shows_state"] or agent["state"] != "unknown" else ""


def age(since: str | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `3d`, `5h`, `12m`, `40s`; `-` if not a time, or in the future."""
    start = read(since or "")
    if start is None or start > now + _SKEW:
        return "-"
    seconds = max(0, int((now - start).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"

"""What the monitor tells programs, as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler import __version__
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.watch import AgentObservation, Pass

from .document import diagnostic_document
from .documents.common import EVENTS_VERSION, FORMAT_VERSION
from .documents.monitor import WatchDoc
from .documents.monitor_agent import AgentObservationDoc
from .documents.monitor_news import NewsDoc
from .monitor import notice_item


def watch_version(at: str) -> WatchDoc:
    """The line that comes before all others."""
    return {
        "type": "version",
        "sequence": 0,
        "timestamp": at,
        "tool_version": __version__,
        "format_version": EVENTS_VERSION,
    }


def watch_documents(seen: Pass, troubles: Iterable[Diagnostic], sequence: int) -> Iterator[WatchDoc]:
    """The published lines of a pass, numbered from `sequence` on: its news, then `troubles`."""
    for notice in seen.news:
        yield {"type": "drift", "sequence": sequence, "timestamp": seen.at, "drift": notice_item(notice)}
        sequence += 1
    for each in troubles:
        document = diagnostic_document(each)
        yield {"type": "diagnostic", "sequence": sequence, "timestamp": seen.at, "diagnostic": document}
        sequence += 1


def news_document(seen: Pass) -> NewsDoc:
    """The news of a pass for a program or a web service."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "at": seen.at,
        "agents": len(seen.agents),
        "drifts": len(seen.drifts),
        "news": [notice_item(each) for each in seen.news],
    }


def observation_document(agent: AgentObservation, at: str) -> AgentObservationDoc:
    """How one agent is, for those who follow it from afar."""
    return {
        "format_version": FORMAT_VERSION,
        "address": str(agent.address),
        "session": agent.session,
        "type": agent.type,
        "status": agent.status.value,
        "live": agent.live,
        "state": agent.activity.value,
        "conversation": agent.conversation or None,
        "at": at,
    }

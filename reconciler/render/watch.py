"""The JSON documents that the monitor gives to programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler import __version__
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.watch import AgentObservation, Pass

from .document import diagnostic_document
from .documents import EVENTS_VERSION, FORMAT_VERSION
from .documents.monitor import WatchDoc
from .documents.monitor_agent import AgentObservationDoc
from .documents.monitor_news import NewsDoc
from .monitor import notice_item


def watch_version(at: str) -> WatchDoc:
    """The first line of `monitor --json`."""
    return {
        "type": "version",
        "sequence": 0,
        "timestamp": at,
        "tool_version": __version__,
        "format_version": EVENTS_VERSION,
    }


def watch_documents(seen: Pass, troubles: Iterable[Diagnostic], sequence: int) -> Iterator[WatchDoc]:
    """The published lines of a pass, numbered from `sequence`: its changes, then `troubles`."""
    for notice in seen.news:
        yield _of(seen, {"type": "drift", "sequence": sequence, "timestamp": seen.at, "drift": notice_item(notice)})
        sequence += 1
    for each in troubles:
        document = diagnostic_document(each)
        yield _of(seen, {"type": "diagnostic", "sequence": sequence, "timestamp": seen.at, "diagnostic": document})
        sequence += 1


def _of(seen: Pass, line: WatchDoc) -> WatchDoc:
    """The line with its project, where one monitor watches several."""
    if seen.project:
        line["project"] = seen.project
    return line


def news_document(seen: Pass) -> NewsDoc:
    """The changes of a pass, for a program or a web service."""
    document: NewsDoc = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "at": seen.at,
        "agents": len(seen.agents),
        "drifts": len(seen.drifts),
        "news": [notice_item(each) for each in seen.news],
    }
    if seen.project:
        document["project"] = seen.project
    return document


def observation_document(agent: AgentObservation, at: str) -> AgentObservationDoc:
    """The state of one agent, for subscribers of its retained MQTT message."""
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

"""What the monitor tells: JSON documents, and the sentences made from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler import __version__
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.watch import AgentSight, Notice, Pass

from .document import diagnostic_document, drift_facts
from .jobs import plain
from .shape import EVENTS_VERSION, FORMAT_VERSION, DriftFactsDoc
from .text import diagnostic_text
from .watch_shape import NewsDoc, NoticeDoc, SightDoc, WatchDoc


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
        drift = drift_facts(notice.drift)
        yield {"type": "drift", "sequence": sequence, "timestamp": seen.at, "drift": drift, "count": notice.count}
        sequence += 1
    for each in troubles:
        document = diagnostic_document(each)
        yield {"type": "diagnostic", "sequence": sequence, "timestamp": seen.at, "diagnostic": document}
        sequence += 1


def watch_text(line: WatchDoc) -> Iterator[str]:
    """The sentences for one line, its time first; of the version there are none."""
    if "drift" in line:
        yield plain(f"{line['timestamp']}  {line['drift']['class']}  {_sentence(line['drift'], line['count'])}")
    if "diagnostic" in line:
        yield from map(plain, diagnostic_text(line["diagnostic"]))


def notice_document(notice: Notice) -> NoticeDoc:
    """A drift, and how often it has been told."""
    return {"drift": drift_facts(notice.drift), "count": notice.count}


def notice_text(notice: NoticeDoc) -> str:
    """The sentence for a drift, as it stands on a card or in a desktop's notification."""
    return plain(_sentence(notice["drift"], notice["count"]))


def news_document(seen: Pass) -> NewsDoc:
    """The news of a pass for a program or a web service."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "at": seen.at,
        "agents": len(seen.agents),
        "drifts": len(seen.drifts),
        "news": [notice_document(each) for each in seen.news],
    }


def sight_document(agent: AgentSight, at: str) -> SightDoc:
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


def _sentence(drift: DriftFactsDoc, count: int) -> str:
    message = drift["message"]
    return f"{message} (again, {count} times)" if count > 1 else message

"""What the monitor command shows beside the news of its passes, all of it on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from reconciler.app.monitor import events
from reconciler.app.project.project import Project
from reconciler.render.jobs import happening_text
from reconciler.render.terminal import show

_RISKS = (
    "anybody may publish events to the topics of your jobs, and read what is said there",
    "where --auto-stop is possible, a forged `completed` or `error` would end an agent; it is refused here",
    "only events that are signed with the token of their job count; the others are dropped",
    "better: a broker of your own, with TLS and users (reconciler broker init), or no --subscribe",
)


def report(at: Project, event: events.MonitorEvent) -> None:
    """Show what a monitor reports."""
    show(_text(event), sys.stderr, at.env)
    sys.stderr.flush()


def _text(event: events.MonitorEvent) -> Iterator[str]:
    match event:
        case events.MonitorProblem(text):
            yield text
        case events.MonitorEnded(reason):
            yield f"The monitor ends: {reason}."
        case events.UnsafeBroker(address, kind):
            yield f"Warning: {address} {kind}:"
            yield from (f"  - {risk}" for risk in _RISKS)
        case events.AgentNotStopped(session, error):
            yield f"Error: {session} is not stopped: {error.summary}"
        case _:
            yield from _subscription_text(event)


def _subscription_text(event: events.SubscriptionEvent) -> Iterator[str]:
    match event:
        case events.SubscriptionStarted():
            yield "Listening to job events."
        case events.SubscriptionLost(reason, poll):
            yield f"Warning: no events: {reason}. Looking every {poll:g} s until the broker is there."
        case events.EventUnrecorded(error):
            yield f"Error: {error.summary}"
        case events.MessagesDropped(counts):
            told = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
            yield f"Dropped messages: {told}."
        case _:
            yield from happening_text(event)

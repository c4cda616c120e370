"""Show events of the monitor on standard error; the changes of its passes go elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from reconciler.app.monitor import events
from reconciler.render.jobs import happening_text
from reconciler.render.terminal import show

_RISKS = (
    "anyone can publish events to the topics of your jobs, and read them",
    "a forged `completed` or `error` could stop an agent, so --auto-stop is refused here",
    "events without the signature of their job are dropped",
    "better: use your own broker with TLS and users (reconciler broker init), or omit --subscribe",
)


def report(env: Mapping[str, str], event: events.MonitorEvent) -> None:
    """Show an event of a monitor."""
    show(_text(event), sys.stderr, env)
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
            yield f"Error: {session} could not be stopped: {error.summary}"
        case _:
            yield from _subscription_text(event)


def _subscription_text(event: events.SubscriptionEvent) -> Iterator[str]:
    match event:
        case events.SubscriptionStarted():
            yield "Listening to job events."
        case events.SubscriptionLost(reason, poll):
            yield f"Warning: no job events: {reason}. Checking every {poll:g} s until the broker answers."
        case events.EventUnrecorded(error):
            yield f"Error: {error.summary}"
        case events.MessagesDropped(counts):
            counted = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
            yield f"Dropped messages: {counted}."
        case _:
            yield from happening_text(event)

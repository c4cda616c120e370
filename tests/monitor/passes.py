"""Passes of a monitor, as short as tests need them."""

from __future__ import annotations

from reconciler.model.activity import Activity
from reconciler.model.address import agent_address
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.drift_class import DriftClass
from reconciler.model.plan import Drift
from reconciler.model.record import Status
from reconciler.model.watch import AgentObservation, Notice, Pass

AT = "2026-06-25T03:19:24Z"
UNKNOWN = Diagnostic(Severity.ERROR, "tmux could not be asked", fix="look at its socket")


def gone(name="claude", letter="A"):
    session = f"lab-creator-{name}"
    return Drift(
        DriftClass(letter), session, agent_address("lab", name), f"{session}: tmux gone.", "running", "terminated"
    )


def agent(name="claude", activity=Activity.IDLE, live="alive"):
    return AgentObservation(
        agent_address("lab", name), f"lab-creator-{name}", "shell", Status.RUNNING, live, activity, "c-1"
    )


def seen(*news, number=1, agents=(), at=AT, diagnostics=(), count=1):
    notices = tuple(Notice(drift, count) for drift in news)
    return Pass(number, at, 0.25, agents=tuple(agents), drifts=news, news=notices, diagnostics=tuple(diagnostics))

"""Wait for agents that were just stopped while their processes still use their conversations."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.app.agents.look import ProjectView
from reconciler.app.plan.make import make_plan
from reconciler.app.project.project import Project
from reconciler.kinds.agent.rows import seconds_between
from reconciler.model.action import Action, Reason
from reconciler.model.moment import to_second
from reconciler.plan.request import Request

SECONDS = 10.0
_JUST, _PAUSE = 10.0, 0.2


def await_endings(at: Project, seen: ProjectView, request: Request) -> Iterator[Action]:
    """Wait, at most `SECONDS`, until no process uses a conversation that the request would start.

    Yields each action that it waits for once. It waits only for agents that were just stopped.
    """
    now, rows = to_second(at.now()), seen.stored.record.sessions.values()
    ages = (seconds_between(row.updated_at, now) for row in rows if row.address in request.states)
    if not any(age is not None and abs(age) < _JUST for age in ages):
        return
    deadline, reported = at.clock.monotonic() + SECONDS, False
    while at.clock.monotonic() < deadline:
        actions = make_plan(at, request).plan.actions
        held = [action for action in actions if action.reason is Reason.ELSEWHERE and action.address in request.states]
        if not held:
            return
        yield from () if reported else held
        reported = True
        at.clock.wait(_PAUSE)

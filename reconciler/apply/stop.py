"""End many sessions at once, each as gently as it lets us."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Observed, Present
from reconciler.model.snapshot import Pane
from reconciler.model.step import StopSession
from reconciler.ports.world import World

from .run import Patience

_PAUSE = 0.05


def stop(steps: Sequence[StopSession], lineage: str, world: World, patience: Patience) -> dict[str, str]:
    """End every session and see its process gone; what could not be ended, by session, with the reason.

    The farewell is typed, then comes SIGTERM, then the session ends. A session that is no longer
    the one that was planned for is left alone.
    """
    problems = _changed_since(steps, lineage, world)
    steps = [step for step in steps if step.session not in problems]
    births = {step.pid: world.processes.started(step.pid) for step in steps if step.pid}
    _say_farewell([step for step in steps if step.quit], births, world, patience)
    for step in _alive(steps, births, world):
        world.processes.terminate(step.pid)
    _wait_gone(steps, births, world, patience.terminate)
    try:
        world.tmux.end([step.session_id for step in steps])
    except ReconcilerError as error:
        return {**problems, **{step.session: str(error) for step in steps}}
    _wait_gone(steps, births, world, patience.hang_up)
    stubborn = {step.session: f"process {step.pid} did not end" for step in _alive(steps, births, world)}
    return {**problems, **stubborn}


def _say_farewell(
    steps: Sequence[StopSession], births: dict[int, Observed[int]], world: World, patience: Patience
) -> None:
    """Type the farewells. Some CLIs swallow the Enter of a typed burst, so those that stay get another one."""
    for step in steps:
        world.tmux.type_line(step.pane_id, step.quit)
    _wait_gone(steps, births, world, min(patience.swallowed, patience.quit))
    for step in _alive(steps, births, world):
        world.tmux.type_line(step.pane_id, "")
    _wait_gone(steps, births, world, patience.quit)


def _changed_since(steps: Sequence[StopSession], lineage: str, world: World) -> dict[str, str]:
    """Sessions that are not what they were when the plan was made: ids belong to one server life."""
    live = world.tmux.look()
    if isinstance(live, Absent):
        return {}
    if not isinstance(live, Present):
        return {step.session: f"tmux could not be asked: {live.reason}" for step in steps}
    panes: dict[str, list[Pane]] = {}
    for pane in live.value.panes:
        panes.setdefault(pane.session_id, []).append(pane)
    return {
        step.session: "it is not the session that was planned for" for step in steps if _is_other(step, panes, lineage)
    }


def _is_other(step: StopSession, panes: dict[str, list[Pane]], lineage: str) -> bool:
    mine = panes.get(step.session_id, [])
    if not mine:
        return False
    return mine[0].lineage != lineage or (step.pid != 0 and all(pane.pid != step.pid for pane in mine))


def _alive(steps: Sequence[StopSession], births: dict[int, Observed[int]], world: World) -> list[StopSession]:
    """The steps whose very process still runs; a later process with the same pid does not count."""
    return [
        step
        for step in steps
        if step.pid and isinstance(births[step.pid], Present) and world.processes.started(step.pid) == births[step.pid]
    ]


def _wait_gone(steps: Sequence[StopSession], births: dict[int, Observed[int]], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while _alive(steps, births, world) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)

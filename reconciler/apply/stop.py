"""End many sessions at once, each as gently as it lets us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present
from reconciler.model.snapshot import Pane
from reconciler.model.step import StopSession
from reconciler.ports.world import World

from .run import Patience

_PAUSE = 0.05
_LAST_WORDS = 12


@dataclass(slots=True)
class Ending:
    """How one session ended, or the `problem` that kept it from ending.

    `forced` says how it was ended when it did not leave by its own farewell, `said` is the conversation
    that it named with its last words. `family` are its processes, with their starts.
    """

    step: StopSession
    family: Mapping[int, int] = field(default_factory=dict)
    problem: str = ""
    forced: str = ""
    said: str = ""

    def alive(self, world: World) -> list[int]:
        """Those of its processes that still run; a later process with the same pid does not count."""
        return [pid for pid, start in self.family.items() if world.processes.started(pid) == Present(start)]

    def stays(self, world: World) -> bool:
        """True while the agent itself runs."""
        return self.step.pid in self.alive(world)


def stop(steps: Sequence[StopSession], lineage: str, world: World, patience: Patience) -> list[Ending]:
    """End every session and see its processes gone, those that outlive the session included.

    The farewell is typed, then comes SIGTERM, then the session ends. A session that is no longer
    the one that was planned for is left alone.
    """
    problems = _changed_since(steps, lineage, world)
    endings = [Ending(step, _family(step, world), problems.get(step.session, "")) for step in steps]
    going = [ending for ending in endings if not ending.problem]
    _say_farewell([ending for ending in going if ending.step.quit], world, patience)
    _terminate(going, world, patience)
    _listen(going, world)
    try:
        world.tmux.end([ending.step.session_id for ending in going])
    except ReconcilerError as error:
        for ending in going:
            ending.problem = str(error)
        return endings
    _end_survivors(going, world, patience)
    return endings


def _family(step: StopSession, world: World) -> dict[int, int]:
    if not step.pid:
        return {}
    starts = {pid: world.processes.started(pid) for pid in world.processes.family(step.pid) or (step.pid,)}
    return {pid: start.value for pid, start in starts.items() if isinstance(start, Present)}


def _say_farewell(endings: Sequence[Ending], world: World, patience: Patience) -> None:
    """Type the farewells. Some CLIs swallow the Enter of a typed burst, so those that stay get another one."""
    for ending in endings:
        world.tmux.type_line(ending.step.pane_id, ending.step.quit)
    _wait_gone(endings, world, min(patience.swallowed, patience.quit))
    for ending in _staying(endings, world):
        world.tmux.type_line(ending.step.pane_id, "")
    _wait_gone(endings, world, patience.quit)


def _terminate(endings: Sequence[Ending], world: World, patience: Patience) -> None:
    for ending in _staying(endings, world):
        if ending.step.quit and patience.quit:
            ending.forced = "SIGTERM"
        world.processes.terminate(ending.step.pid)
    _wait_gone(endings, world, patience.terminate)


def _listen(endings: Iterable[Ending], world: World) -> None:
    """Many CLIs say at their end which conversation it was: the surest word on it."""
    for ending in endings:
        step = ending.step
        if step.resume_line and not ending.stays(world):
            found = re.findall(step.resume_line, world.tmux.screen(step.pane_id, _LAST_WORDS))
            ending.said = found[-1] if found else ""


def _end_survivors(endings: Sequence[Ending], world: World, patience: Patience) -> None:
    """What lives on without its session gets SIGTERM; what lives on even then is a problem."""
    _wait_all_gone(endings, world, patience.hang_up)
    for ending in endings:
        for pid in ending.alive(world):
            ending.forced = "SIGTERM, after its session"
            world.processes.terminate(pid)
    _wait_all_gone(endings, world, patience.hang_up)
    for ending in endings:
        left = ending.alive(world)
        if left:
            many = "processes" if len(left) > 1 else "process"
            ending.problem = f"{many} {', '.join(map(str, left))} did not end"


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


def _staying(endings: Iterable[Ending], world: World) -> list[Ending]:
    return [ending for ending in endings if ending.stays(world)]


def _wait_gone(endings: Sequence[Ending], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while _staying(endings, world) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)


def _wait_all_gone(endings: Sequence[Ending], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while any(ending.alive(world) for ending in endings) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)

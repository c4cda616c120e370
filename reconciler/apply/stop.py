"""End many sessions at once, each as gently as it lets us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present
from reconciler.model.step import StopSession
from reconciler.ports.world import World

from .changed import standings
from .run import ApplyTimeouts

_PAUSE = 0.05
_LAST_WORDS = 12


@dataclass(slots=True)
class SessionEnding:
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

    @property
    def is_recorded(self) -> bool:
        """True when the agent is the very process of which the registry tells."""
        return self.step.started > 0 and self.family.get(self.step.at.pid) == self.step.started

    def stays(self, world: World) -> bool:
        """True while the agent itself runs."""
        return self.step.at.pid in self.alive(world)


def stop(steps: Sequence[StopSession], lineage: str, world: World, patience: ApplyTimeouts) -> list[SessionEnding]:
    """End every session and see its processes gone, those that outlive the session included.

    The farewell is typed, then comes SIGTERM, then the session ends. A session that is no longer
    the one that was planned for is left alone.
    """
    endings = [SessionEnding(step, _family(step, world)) for step in steps]
    _compare(endings, lineage, world)  # after that: a process that tmux still shows is the one of the family
    going = [ending for ending in endings if not ending.problem]
    _say_farewell([ending for ending in going if ending.step.quit], world, patience)
    _terminate(going, world, patience)
    _listen(going, world)
    for ending, reason in zip(going, world.tmux.end([ending.step.at for ending in going]), strict=True):
        ending.problem = ending.problem or reason
    _end_survivors([ending for ending in going if not ending.problem], world, patience)
    return endings


def _family(step: StopSession, world: World) -> dict[int, int]:
    pid = step.at.pid
    if not pid:
        return {}
    starts = {pid: world.processes.started(pid) for pid in world.processes.family(pid) or (pid,)}
    return {pid: start.value for pid, start in starts.items() if isinstance(start, Present)}


def _say_farewell(endings: Sequence[SessionEnding], world: World, patience: ApplyTimeouts) -> None:
    """Type the farewells. Some CLIs swallow the Enter of a typed burst, so those that stay get another one."""
    for ending in endings:
        world.tmux.type_line(ending.step.at, ending.step.quit)
    _wait_gone(endings, world, min(patience.swallowed, patience.quit))
    for ending in _staying(endings, world):
        world.tmux.type_line(ending.step.at, "")
    _wait_gone(endings, world, patience.quit)


def _terminate(endings: Sequence[SessionEnding], world: World, patience: ApplyTimeouts) -> None:
    for ending in endings:
        if ending.stays(world):
            if ending.step.quit and patience.quit:
                ending.forced = "SIGTERM"
            _send_sigterm(ending, ending.step.at.pid, world)
    _wait_gone([ending for ending in endings if not ending.problem], world, patience.terminate)


def _send_sigterm(ending: SessionEnding, pid: int, world: World) -> None:
    try:
        world.processes.terminate(pid)
    except ReconcilerError as error:
        ending.problem = error.summary


def _listen(endings: Iterable[SessionEnding], world: World) -> None:
    """Many CLIs say at their end which conversation it was: the surest word on it."""
    for ending in endings:
        step = ending.step
        if step.resume_line and not ending.stays(world):
            found = re.findall(step.resume_line, world.tmux.screen(step.at.pane_id, _LAST_WORDS))
            ending.said = found[-1] if found else ""


def _end_survivors(endings: Sequence[SessionEnding], world: World, patience: ApplyTimeouts) -> None:
    """What lives on without its session gets SIGTERM; what lives on even then is a problem."""
    _find_late_ones(endings, world)
    _wait_all_gone(endings, world, patience.hang_up)
    for ending in endings:
        for pid in ending.alive(world):
            ending.forced = "SIGTERM, after its session"
            _send_sigterm(ending, pid, world)
    _wait_all_gone(endings, world, patience.hang_up)
    for ending in endings:
        left = ending.alive(world)
        if left:
            many = "processes" if len(left) > 1 else "process"
            ending.problem = ending.problem or f"{many} {', '.join(map(str, left))} did not end"


def _find_late_ones(endings: Sequence[SessionEnding], world: World) -> None:
    """What an agent started after its processes were counted, as one does that still boots, is in its session."""
    sessions = world.processes.sessions() if endings else {}
    for ending in endings:
        pid = ending.step.at.pid
        leader = world.processes.started(pid)
        if pid in ending.family and leader in {ABSENT, Present(ending.family[pid])}:  # else another one's by now
            starts = {each: world.processes.started(each) for each in sessions.get(pid, ())}
            late = {each: start.value for each, start in starts.items() if isinstance(start, Present)}
            ending.family = {**late, **ending.family}


def _compare(endings: Sequence[SessionEnding], lineage: str, world: World) -> None:
    """Keep from ending what is not what it was when the plan was made."""
    now = standings([ending.step.at for ending in endings], lineage, world.tmux.look())
    for ending, standing in zip(endings, now, strict=True):
        ending.problem = standing.problem
        if not standing.confirmed and not ending.is_recorded:  # its pid may be another process by now
            ending.family = {}


def _staying(endings: Iterable[SessionEnding], world: World) -> list[SessionEnding]:
    return [ending for ending in endings if ending.stays(world)]


def _wait_gone(endings: Sequence[SessionEnding], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while _staying(endings, world) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)


def _wait_all_gone(endings: Sequence[SessionEnding], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while any(ending.alive(world) for ending in endings) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)

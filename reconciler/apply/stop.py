"""End many sessions at once, each as gently as possible: quit command, then SIGTERM, then the end of the session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present
from reconciler.model.step import StopSession
from reconciler.ports.world import World

from .changed import target_states
from .run import ApplyTimeouts

_PAUSE = 0.05  # seconds between two checks
_LAST_LINES = 12  # lines of the screen that may hold what a CLI prints at its exit


@dataclass(slots=True)
class SessionEnding:
    """How one session ended, or why it did not."""

    step: StopSession
    family: Mapping[int, int] = field(default_factory=dict)
    """The pids of its processes, with the start of each."""
    problem: str = ""
    """Why it did not end; empty when it ended."""
    forced: str = ""
    """How it was ended when it did not quit by itself."""
    conversation: str = ""
    """The conversation that its CLI named at its exit."""

    def alive(self, world: World) -> list[int]:
        """The pids of its processes that still run; a later process with the same pid does not count."""
        return [pid for pid, start in self.family.items() if world.processes.started(pid) == Present(start)]

    @property
    def is_recorded(self) -> bool:
        """True when the agent's process is the recorded one."""
        return self.step.started > 0 and self.family.get(self.step.at.pid) == self.step.started

    def is_running(self, world: World) -> bool:
        """True while the agent's own process runs."""
        return self.step.at.pid in self.alive(world)


def stop(steps: Sequence[StopSession], lineage: str, world: World, patience: ApplyTimeouts) -> list[SessionEnding]:
    """End every session, and check that its processes are gone, also those that outlive the session.

    The quit command is typed first, then the process gets SIGTERM, then the session is ended. A session that is not
    the planned one any more is left alone.
    """
    endings = [SessionEnding(step, _family(step, world)) for step in steps]
    # In this order: a process that tmux shows after its family was read is the process of that family.
    _check_targets(endings, lineage, world)
    allowed = [ending for ending in endings if not ending.problem]
    _quit([ending for ending in allowed if ending.step.quit], world, patience)
    _terminate(allowed, world, patience)
    _read_conversations(allowed, world)
    for ending, reason in zip(allowed, world.tmux.end([ending.step.at for ending in allowed]), strict=True):
        ending.problem = ending.problem or reason
    _end_survivors([ending for ending in allowed if not ending.problem], world, patience)
    return endings


def _family(step: StopSession, world: World) -> dict[int, int]:
    pid = step.at.pid
    if not pid:
        return {}
    starts = {pid: world.processes.started(pid) for pid in world.processes.family(pid, wrapped=step.wrapped) or (pid,)}
    return {pid: start.value for pid, start in starts.items() if isinstance(start, Present)}


def _quit(endings: Sequence[SessionEnding], world: World, patience: ApplyTimeouts) -> None:
    """Type the quit commands. Some CLIs ignore an Enter that comes too fast, so those that stay get another one."""
    for ending in endings:
        world.tmux.type_line(ending.step.at, ending.step.quit)
    _wait_gone(endings, world, min(patience.swallowed, patience.quit))
    for ending in _running(endings, world):
        world.tmux.type_line(ending.step.at, "")
    _wait_gone(endings, world, patience.quit)


def _terminate(endings: Sequence[SessionEnding], world: World, patience: ApplyTimeouts) -> None:
    for ending in endings:
        if ending.is_running(world):
            if ending.step.quit and patience.quit:  # only an agent that was asked to quit counts as forced
                ending.forced = "SIGTERM"
            _send_sigterm(ending, ending.step.at.pid, world)
    _wait_gone([ending for ending in endings if not ending.problem], world, patience.terminate)


def _send_sigterm(ending: SessionEnding, pid: int, world: World) -> None:
    try:
        world.processes.terminate(pid)
    except ReconcilerError as error:
        ending.problem = error.summary


def _read_conversations(endings: Iterable[SessionEnding], world: World) -> None:
    """Read from the screens which conversation each agent had: many CLIs print it at exit, and nothing is surer."""
    for ending in endings:
        step = ending.step
        if step.resume_line and not ending.is_running(world):
            found = re.findall(step.resume_line, world.tmux.screen(step.at.pane_id, _LAST_LINES))
            ending.conversation = found[-1] if found else ""


def _end_survivors(endings: Sequence[SessionEnding], world: World, patience: ApplyTimeouts) -> None:
    """Send SIGTERM to processes that outlive their session; report those that outlive that, too."""
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
    """Add the processes that an agent started after `_family` was read, as one does that is still starting up.

    They are found by the terminal session, which the agent's own process leads.
    """
    sessions = world.processes.sessions() if endings else {}
    for ending in endings:
        pid = ending.step.at.pid
        leader = world.processes.started(pid)
        if pid in ending.family and leader in {ABSENT, Present(ending.family[pid])}:  # else the pid has a new owner
            starts = {each: world.processes.started(each) for each in sessions.get(pid, ())}
            late = {each: start.value for each, start in starts.items() if isinstance(start, Present)}
            ending.family = {**late, **ending.family}


def _check_targets(endings: Sequence[SessionEnding], lineage: str, world: World) -> None:
    """Set a problem for every session that is not the planned one any more."""
    states = target_states([ending.step.at for ending in endings], lineage, world.tmux.look())
    for ending, state in zip(endings, states, strict=True):
        ending.problem = state.problem
        if not state.confirmed and not ending.is_recorded:  # its pid may belong to another process by now
            ending.family = {}


def _running(endings: Iterable[SessionEnding], world: World) -> list[SessionEnding]:
    return [ending for ending in endings if ending.is_running(world)]


def _wait_gone(endings: Sequence[SessionEnding], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while _running(endings, world) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)


def _wait_all_gone(endings: Sequence[SessionEnding], world: World, seconds: float) -> None:
    deadline = world.clock.monotonic() + seconds
    while any(ending.alive(world) for ending in endings) and world.clock.monotonic() < deadline:
        world.clock.wait(_PAUSE)

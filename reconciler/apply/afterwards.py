"""The last look at the end of an apply: find agents that ended although their start was verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.kinds.agent.rows import ended_row
from reconciler.model.action import Action
from reconciler.model.address import Address
from reconciler.model.event import ActionFailed, Checkpoint, Event
from reconciler.model.observed import Present
from reconciler.model.snapshot import Pane
from reconciler.model.step import StartSession
from reconciler.ports.world import World

from .run import Run
from .start import ending


def look_again(started: Sequence[Action], world: World, run: Run) -> Iterator[Event]:
    """Report the agents that have ended since their start, with their last screen, and record it. It never waits."""
    live = world.tmux.look() if started else None
    if not isinstance(live, Present):
        return
    ours = (pane for pane in live.value.panes if pane.lineage == run.lineage)
    panes = {pane.address: pane for pane in sorted(ours, key=_number, reverse=True)}  # the lowest number stays
    ended = [(action, pane) for action in started if (pane := _ended(action.address, panes))]
    screens = {pane.pane_id: world.tmux.screen(pane.pane_id) for _, pane in ended}
    world.tmux.end([pane.target for _, pane in ended])
    problems = [f"{_program(action)} ended right after its start, {ending(pane)}" for action, pane in ended]
    steps = [_start(action) for action, _ in ended]
    rows = [ended_row(step, problem, run.now) for step, problem in zip(steps, problems, strict=True)]
    yield from [Checkpoint(tuple(rows))] if rows else []
    for (action, pane), problem in zip(ended, problems, strict=True):
        yield ActionFailed(action.address, action.verb, problem, screens[pane.pane_id])


def _ended(address: Address, panes: Mapping[str, Pane]) -> Pane | None:
    pane = panes.get(str(address))
    return pane if pane is not None and pane.dead else None


def _number(pane: Pane) -> int:
    """The number of the pane: the agent's pane is the first of its session, so it has the lowest one."""
    return int(pane.pane_id.lstrip("%") or 0)


def _program(action: Action) -> str:
    return _start(action).program


def _start(action: Action) -> StartSession:
    return next(step for step in action.steps if isinstance(step, StartSession))

"""The last look of a walk: an agent that ended after its start had been verified is not told as done alone."""

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
    """Tell of those that have ended since, with their last words, and write it down. Nothing is waited for."""
    live = world.tmux.look() if started else None
    if not isinstance(live, Present):
        return
    ours = (pane for pane in live.value.panes if pane.lineage == run.lineage)
    panes = {pane.address: pane for pane in sorted(ours, key=_age, reverse=True)}  # the first one is the agent's
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


def _age(pane: Pane) -> int:
    return int(pane.pane_id.lstrip("%") or 0)


def _program(action: Action) -> str:
    return _start(action).command[0]


def _start(action: Action) -> StartSession:
    return next(step for step in action.steps if isinstance(step, StartSession))

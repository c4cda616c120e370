"""Who starts after whom, among agents that are told apart by what began since they did.

Where a CLI mints its ids and does not say at once which it has, agents in one folder start one after the other:
those with a first prompt first, each as soon as the conversation of the one before it is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.action import Action
from reconciler.model.address import Address
from reconciler.model.step import AwaitConversation, StartSession

from .order import ordered


def order_starts(actions: Sequence[Action], profiles: Mapping[str, Profile]) -> tuple[Action, ...]:
    """The actions in their order, each start behind those that it has to wait for."""
    lines = _lines(actions, profiles)
    speaking = {action.address for line in lines for action in line if _start(action).prompt}
    marked = (_awaited(action) if action.address in speaking else action for action in actions)
    return ordered(_one_behind_the_other(ordered(marked, speaking), lines, speaking), speaking)


def _lines(actions: Iterable[Action], profiles: Mapping[str, Profile]) -> list[list[Action]]:
    """Those that start with the same CLI in the same folder, where one of them has a first prompt.

    Without one nothing can be waited for: the first prompt may never come.
    """
    lines: dict[tuple[str, str], list[Action]] = defaultdict(list)
    for action in actions:
        for step in action.steps:
            if isinstance(step, StartSession) and profiles[step.type].starts_in_line:
                lines[step.type, step.cwd].append(action)
    return [line for line in lines.values() if len(line) > 1 and any(_start(action).prompt for action in line)]


def _start(action: Action) -> StartSession:
    return next(step for step in action.steps if isinstance(step, StartSession))


def _awaited(action: Action) -> Action:
    return replace(action, steps=(*action.steps, AwaitConversation(_start(action).session)))


def _one_behind_the_other(
    plan: Iterable[Action], lines: Iterable[Iterable[Action]], speaking: set[Address]
) -> Iterable[Action]:
    """The order of the plan decides, which keeps to what needs what: nobody waits for one that needs it."""
    line_of = {action.address: number for number, line in enumerate(lines) for action in line}
    before: dict[int, tuple[Address, ...]] = defaultdict(tuple)
    for action in plan:
        line = line_of.get(action.address)
        if line is None:
            yield action
            continue
        yield replace(action, after=before[line])
        if action.address in speaking:
            before[line] += (action.address,)

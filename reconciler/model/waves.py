"""The phases of an action, and groups of actions that can be done together. The plan and the walk both use them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .action import Action
from .address import Address
from .phase import Phase

if TYPE_CHECKING:
    from .step import Step


_ALONE = Phase.LABEL  # for an action whose steps have no phase at all
_PLACES = {phase: place for place, phase in enumerate(Phase)}


def steps_in(action: Action, phase: Phase) -> tuple[Step, ...]:
    """The steps of the action that are done in the phase, including those without a phase of their own."""
    return tuple(step for step in action.steps if step.phase in {phase, None})


def phases(action: Action) -> tuple[Phase, ...]:
    """The phases of the action, in order; none when it has no steps."""
    if not action.steps:
        return ()
    passed = {step.phase for step in action.steps if step.phase is not None}
    return tuple(sorted(passed, key=_PLACES.__getitem__)) or (_ALONE,)


def waves(actions: Iterable[Action], phase: Phase) -> list[list[Action]]:
    """The actions of the phase, in groups that can be done together.

    An action comes in a later group than the actions that it needs; in the END phase, in an earlier one. A registry
    edited by hand may contain a dependency cycle: all of its actions are in one group.
    """
    here = {action.address: action for action in actions if phase in phases(action)}
    waiting = {address: set(found) & here.keys() for address, found in _blockers(here, phase).items()}
    freed: dict[Address, list[Address]] = defaultdict(list)
    for address, found in waiting.items():
        for each in found:
            freed[each].append(address)
    places = {address: at for at, address in enumerate(here)}
    ready = [address for address in here if not waiting.get(address)]
    groups: list[list[Action]] = []
    while here:
        ready = ready or list(here)
        groups.append([here.pop(address) for address in ready])
        ready = sorted(_next(ready, freed, waiting, here), key=places.__getitem__)
    return groups


def _next(
    done: Iterable[Address],
    freed: Mapping[Address, Sequence[Address]],
    waiting: Mapping[Address, set[Address]],
    here: Mapping[Address, Action],
) -> set[Address]:
    """The addresses that waited only for those in `done`."""
    found: set[Address] = set()
    for address in done:
        for each in freed[address]:
            waiting[each].discard(address)
            if each in here and not waiting[each]:
                found.add(each)
    return found


def _blockers(actions: Mapping[Address, Action], phase: Phase) -> Mapping[Address, Sequence[Address]]:
    """For each address, the addresses that must come before it."""
    found: dict[Address, list[Address]] = defaultdict(list)
    for address, action in actions.items():
        if phase is Phase.END:
            for need in action.needs:
                found[need].append(address)
        else:
            found[address].extend((*action.needs, *action.after))
    return found

"""The order of a plan. It is the order in which apply works: phase by phase.

Within a phase, an address comes after those that it needs; in the phase that ends agents, before them. Otherwise
actions are sorted by address, with two exceptions. Agents whose conversation others wait for come first. Brokers that
end come before brokers that start, which may need their ports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address
from reconciler.model.phase import Phase
from reconciler.model.waves import phases, waves


def ordered(actions: Iterable[Action], first: Collection[Address] = ()) -> tuple[Action, ...]:
    """Sort the actions in the order in which apply reports them. Among agents that start, `first` come first.

    An action without steps is placed in the phase of its kind, a deferred one at the end.
    """
    ranked = sorted(actions, key=lambda action: _rank(action, first))
    idle: dict[Phase | None, list[Action]] = {phase: [] for phase in (*Phase, None)}
    for action in ranked:
        if not action.steps:
            idle[_phase_without_steps(action)].append(action)
    working = [action for action in ranked if action.steps]
    in_order = (action for phase in Phase for action in (*idle[phase], *_beginning(working, phase)))
    return (*in_order, *idle[None])


def _rank(action: Action, first: Collection[Address]) -> tuple[bool, bool, bool, Address]:
    kind, address = action.address.kind, action.address
    return kind != "workspace", kind == "broker" and action.verb is not Verb.DELETE, address not in first, address


def _phase_without_steps(action: Action) -> Phase | None:
    if action.verb is Verb.DEFER:
        return None
    return _OF_KIND.get(action.address.kind, Phase.START)


_OF_KIND = {"workspace": Phase.MAKE, "broker": Phase.BROKER}


def _beginning(actions: Iterable[Action], phase: Phase) -> Iterator[Action]:
    """The actions whose first phase is this one, in the order of their work."""
    return (action for wave in waves(actions, phase) for action in wave if phases(action)[0] is phase)

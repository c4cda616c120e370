"""The order of a plan, which is the order of its work: that of the phases of an apply.

In a phase, what others need comes first; where agents end, last. Otherwise the address decides, but an agent whose
conversation is waited for comes before its like, and brokers that end before those that may want their ports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address
from reconciler.model.phase import Phase
from reconciler.model.waves import phases, waves


def ordered(actions: Iterable[Action], first: Collection[Address] = ()) -> tuple[Action, ...]:
    """The actions in the order in which apply tells of them; of those that may start, `first` do so first.

    An action without steps stands where its kind is worked on, a deferred one at the end.
    """
    ranked = sorted(actions, key=lambda action: _rank(action, first))
    still: dict[Phase | None, list[Action]] = {phase: [] for phase in (*Phase, None)}
    for action in ranked:
        if not action.steps:
            still[_place(action)].append(action)
    working = [action for action in ranked if action.steps]
    told = (action for phase in Phase for action in (*still[phase], *_beginning(working, phase)))
    return (*told, *still[None])


def _rank(action: Action, first: Collection[Address]) -> tuple[bool, bool, bool, Address]:
    kind, address = action.address.kind, action.address
    return kind != "workspace", kind == "broker" and action.verb is not Verb.DELETE, address not in first, address


def _place(action: Action) -> Phase | None:
    if action.verb is Verb.DEFER:
        return None
    return _OF_KIND.get(action.address.kind, Phase.START)


_OF_KIND = {"workspace": Phase.MAKE, "broker": Phase.BROKER}


def _beginning(actions: Iterable[Action], phase: Phase) -> Iterator[Action]:
    """Those that pass through no phase before this one, in the order of their work."""
    return (action for wave in waves(actions, phase) for action in wave if phases(action)[0] is phase)

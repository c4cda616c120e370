"""The order of a plan, which is the order of its work.

Folders first, then endings (what others need ends last), then brokers (those that end before those
that may want their ports), then the rest (what others need starts first), then removals of folders; and
otherwise by address, but whose conversation is waited for comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address


def ordered(actions: Iterable[Action], first: Collection[Address] = ()) -> tuple[Action, ...]:
    """The actions in the order in which apply gets to them; of those that may start, `first` do so first."""
    phases: dict[_Phase, list[Action]] = {phase: [] for phase in _Phase}
    for action in _needs_first(actions, first):
        phases[_phase(action)].append(action)
    phases[_Phase.ENDING].reverse()
    return tuple(action for phase in _Phase for action in phases[phase])


class _Phase(Enum):
    MAKING = "folders are made"
    ENDING = "agents end for good"
    CLOSING = "brokers end for good"
    BROKERS = "brokers are made and changed"
    REST = "agents start, change or stay"
    REMOVING = "folders are removed"


def _phase(action: Action) -> _Phase:
    leaves = action.verb in {Verb.DELETE, Verb.FORGET}
    if action.address.kind == "workspace":
        return _Phase.REMOVING if leaves else _Phase.MAKING
    if action.address.kind == "broker":
        return _Phase.CLOSING if leaves else _Phase.BROKERS
    return _Phase.ENDING if leaves else _Phase.REST


def _needs_first(actions: Iterable[Action], first: Collection[Address]) -> tuple[Action, ...]:
    by_address = {action.address: action for action in sorted(actions, key=lambda action: _rank(action, first))}
    done: dict[Address, Action] = {}
    for address in by_address:
        _visit(address, by_address, done)
    return tuple(done.values())


def _rank(action: Action, first: Collection[Address]) -> tuple[bool, bool, Address]:
    return action.address.kind != "workspace", action.address not in first, action.address


def _visit(start: Address, actions: Mapping[Address, Action], done: dict[Address, Action]) -> None:
    """Depth first, without recursion: a chain of dependencies may be long. Cycles never get here."""
    todo = [start]
    while todo:
        address = todo[-1]
        if address in done or address not in actions:
            todo.pop()
            continue
        waiting = [each for each in actions[address].needs if each in actions and each not in done]
        if waiting:
            todo.extend(reversed(waiting))
        else:
            done[address] = actions[address]
            todo.pop()

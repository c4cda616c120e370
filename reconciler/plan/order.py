"""The order of a plan: what is needed first, and otherwise by address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.action import Action
from reconciler.model.address import Address


def ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The actions, each after everything it needs; ties are settled by address, workspaces first."""
    by_address = {action.address: action for action in sorted(actions, key=_rank)}
    done: dict[Address, Action] = {}
    for address in by_address:
        _visit(address, by_address, done)
    return tuple(done.values())


def _rank(action: Action) -> tuple[bool, Address]:
    return action.address.kind != "workspace", action.address


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

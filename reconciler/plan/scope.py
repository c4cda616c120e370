"""Which addresses a plan is about: all, some with what they need, or all except some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Agent, Desired


class Scope(Struct, frozen=True):
    """The addresses that a plan may act on. A workspace in `targets` or `excluded` includes all its agents."""

    targets: frozenset[Address] = frozenset()
    """Empty when everything except `excluded` is in scope."""
    needed: frozenset[Address] = frozenset()
    """What the targets need. A workspace in it does not include its agents."""
    excluded: frozenset[Address] = frozenset()

    def covers(self, address: Address) -> bool:
        """True when the plan may act on the address."""
        names = _names(address)
        if not self.excluded.isdisjoint(names):
            return False
        return not self.targets or address in self.needed or not self.targets.isdisjoint(names)


EVERYTHING = Scope()


def narrowed_to(targets: Iterable[Address], agents: Mapping[Address, Agent]) -> Scope:
    """The scope of the targets and everything that they need to run."""
    named = frozenset(targets)
    starting = [spec.address for spec in agents.values() if not named.isdisjoint(_names(spec.address))]
    reached = _reached([*named, *starting], {spec.address: spec.depends_on for spec in agents.values()})
    return Scope(named, needed=reached.union(*map(_names, reached)))


def without(excluded: Iterable[Address], agents: Mapping[Address, Agent]) -> Scope:
    """The scope of everything except the excluded addresses and those that cannot run without them."""
    named = frozenset(excluded)
    left_out = [spec.address for spec in agents.values() if not named.isdisjoint(_names(spec.address))]
    dependents: dict[Address, list[Address]] = {}
    for spec in agents.values():
        for needed in spec.depends_on:
            dependents.setdefault(needed, []).append(spec.address)
    return Scope(excluded=named | _reached(left_out, dependents))


def to_end(scope: Scope, agents: Mapping[Address, Agent]) -> Scope:
    """The scope of a destroy: it leaves what the targets need, and keeps what the excluded agents need."""
    staying = [spec.address for spec in agents.values() if not scope.excluded.isdisjoint(_names(spec.address))]
    needed = _reached(staying, {spec.address: spec.depends_on for spec in agents.values()})
    return Scope(scope.targets, excluded=scope.excluded | needed)


def left_alone(scope: Scope, desired: Desired, replaced: Iterable[Address] = ()) -> frozenset[Address]:
    """What no active profile includes, except what the user names, and what that needs."""
    edges = {spec.address: spec.depends_on for spec in desired.agents.values()}
    named = _reached([*scope.targets, *replaced], edges)
    return desired.inactive - named.union(*map(_names, named))


def _names(address: Address) -> tuple[Address, ...]:
    """The addresses by which a scope can include this one: itself and its workspace; a broker has no workspace."""
    return (address,) if address.kind == "broker" else (address, workspace_address(address.workspace))


def _reached(start: Iterable[Address], edges: Mapping[Address, Iterable[Address]]) -> frozenset[Address]:
    reached: set[Address] = set()
    todo = list(start)
    while todo:
        address = todo.pop()
        if address not in reached:
            reached.add(address)
            todo.extend(edges.get(address, ()))
    return frozenset(reached)

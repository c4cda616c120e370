"""Check names across all manifests: unknown types and dependencies, shared sessions, dependency cycles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address
from reconciler.model.desired import Agent
from reconciler.model.diagnostic import Diagnostic

from .document import mistake, suggestion
from .merge import Block
from .rules import is_branch

Declared = Sequence[tuple[Agent, Block]]


class Judged(Struct, frozen=True):
    """What is said about a manifest beyond its links, and what no active profile includes."""

    doubts: tuple[Diagnostic, ...] = ()
    mistakes: tuple[Diagnostic, ...] = ()
    inactive: frozenset[Address] = frozenset()


NOTHING_JUDGED = Judged()


def link_mistakes(declared: Declared) -> Iterator[Diagnostic]:
    """Every mistake in the session names of the `declared` agents, and every cycle in what they need."""
    yield from _shared_sessions(declared)
    yield from _cycle_mistakes(declared)


def branch_mistakes(workspaces: Iterable[Block]) -> Iterator[Diagnostic]:
    """Every branch name that git does not accept."""
    for block in workspaces:
        git = block.content.get("git")
        if git and not is_branch(git["branch"]):
            yield mistake(
                f"`{git['branch']}` is not a valid name for a git branch",
                block.place("git.branch"),
                fix="choose another name; `git help check-ref-format` has the rules",
            )


def _shared_sessions(declared: Declared) -> Iterator[Diagnostic]:
    first: dict[str, Agent] = {}
    for agent, block in declared:
        other = first.setdefault(agent.session, agent)
        if other is not agent:
            yield mistake(
                f"{other.address} and {agent.address} would share the session `{agent.session}`",
                block.place(),
                detail=f"first declared at {other.place}",
                fix="rename one of the agents, or give it another `role`",
            )


def with_instances_needed(declared: Declared) -> Declared:
    """The same agents. Those that need a block with `for_each` need all of its instances."""
    meant = _instances(declared) if _any_needs(declared) else {}
    if not meant:
        return declared
    return [(_needing(agent, meant), block) for agent, block in declared]


def _any_needs(declared: Declared) -> bool:
    return any(agent.depends_on for agent, _ in declared)


def _instances(declared: Declared) -> dict[Address, list[Address]]:
    """The instances that the address of a block stands for, sorted: the order of items in a manifest does not count."""
    meant: dict[Address, list[Address]] = {}
    addresses = (agent.address for agent, _ in declared)
    for address in sorted(each for each in addresses if "[" in each.agent or "[" in each.workspace):
        for block in address.blocks:
            meant.setdefault(block, []).append(address)
    return meant


def _needing(agent: Agent, meant: Mapping[Address, list[Address]]) -> Agent:
    if meant.keys().isdisjoint(agent.depends_on):
        return agent
    others = (needed for needed in agent.depends_on if needed not in agent.address.blocks)
    needed = (each for other in others for each in meant.get(other, (other,)))
    return replace(agent, depends_on=tuple(dict.fromkeys(needed)))


def unknown_dependencies(declared: Declared) -> Iterator[Diagnostic]:
    """Every `depends_on` that names no other declared agent. Must not be called after `with_instances_needed`."""
    if not _any_needs(declared):
        return
    known = {agent.address for agent, _ in declared}
    known |= _instances(declared).keys()
    for agent, block in declared:
        for index, needed in enumerate(agent.depends_on):
            if needed not in known:
                yield _unknown(agent, block, index, known)
            elif needed in agent.address.blocks:
                summary = f"the instances of {written(agent.address)} depend on themselves"
                yield mistake(summary, block.place(f"depends_on.{index}"), fix="name one instance: NAME[KEY]")


def _unknown(agent: Agent, block: Block, index: int, known: Collection[Address]) -> Diagnostic:
    text, address = block.content["depends_on"][index], written(agent.address)
    return mistake(
        f"{address} depends on `{text}`, which is not declared",
        block.place(f"depends_on.{index}"),
        fix=_nearest(text, agent.address.workspace, {*known} - {agent.address, address}),
    )


def written(address: Address) -> Address:
    """The address of the block that declares the agent: one mistake in it is told once, not for each instance."""
    return [address, *address.blocks][-1]


def _nearest(text: str, workspace: str, known: Collection[Address]) -> str:
    if "." in text:
        return suggestion(text, [str(address) for address in known])
    return suggestion(text, [address.agent for address in known if address.workspace == workspace])


def _cycle_mistakes(declared: Declared) -> Iterator[Diagnostic]:
    needs = {agent.address: set(agent.depends_on) for agent, _ in declared if agent.depends_on}
    blocks: Mapping[Address, Block] = {agent.address: block for agent, block in declared}
    for cycle in _cycles(needs):
        yield mistake(
            f"a dependency cycle: {' -> '.join(map(str, (*cycle, cycle[0])))}",
            blocks[cycle[0]].place("depends_on"),
            fix="remove one `depends_on` of the cycle",
        )


def _cycles(needs: Mapping[Address, set[Address]]) -> Iterator[list[Address]]:
    """Every cycle, each beginning with its smallest address. Each found cycle is broken to find the next one."""
    open_needs = defaultdict(set, {address: set(others) for address, others in needs.items()})
    while open_needs:
        try:
            TopologicalSorter(open_needs).prepare()
        except CycleError as error:
            # graphlib lists a needed node before the node that needs it, and repeats the first one at the end
            cycle = list(reversed(error.args[1][1:]))
            start = cycle.index(min(cycle))
            yield cycle[start:] + cycle[:start]
            open_needs[cycle[0]].discard(cycle[1 % len(cycle)])
        else:
            return

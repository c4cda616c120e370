"""Check names across all manifests: unknown types and dependencies, shared sessions, dependency cycles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from reconciler.model.address import Address
from reconciler.model.desired import Agent
from reconciler.model.diagnostic import Diagnostic

from .document import mistake, suggestion
from .merge import Block
from .rules import is_branch

Declared = Sequence[tuple[Agent, Block]]


def link_mistakes(declared: Declared, types: Collection[str]) -> Iterator[Diagnostic]:
    """Every mistake in the types, dependencies and session names of the `declared` agents."""
    yield from _unknown_types(declared, types)
    yield from _shared_sessions(declared)
    yield from _unknown_dependencies(declared)
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


def _unknown_types(declared: Declared, types: Collection[str]) -> Iterator[Diagnostic]:
    for agent, block in declared:
        if agent.type not in types:
            yield mistake(
                f"unknown agent type `{agent.type}`",
                block.place("type"),
                detail=f"type of {agent.address}",
                fix=_type_instead(agent, block, types),
            )


def _type_instead(agent: Agent, block: Block, types: Collection[str]) -> str:
    from .value_slips import type_instead  # noqa: PLC0415 - only a mistake needs it

    slip = type_instead(agent.type, types, named="type" in (block.content or {}))
    return slip or f"{suggestion(agent.type, list(types))}; declare your own types in `agent_types:`"


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


def _unknown_dependencies(declared: Declared) -> Iterator[Diagnostic]:
    known = {agent.address for agent, _ in declared}
    for agent, block in declared:
        for index, needed in enumerate(agent.depends_on):
            if needed not in known:
                yield mistake(
                    f"{agent.address} depends on `{block.content['depends_on'][index]}`, which is not declared",
                    block.place(f"depends_on.{index}"),
                    fix=_nearest(block.content["depends_on"][index], agent.address.workspace, known - {agent.address}),
                )


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

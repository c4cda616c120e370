"""The agents that names stand for, and what they must be like for a command."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.app.agents.look import ProjectView
from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.model.errors import Refused, UsageError
from reconciler.model.observed import Absent, Present


def resolve_names(seen: ProjectView, names: Iterable[str], *, found: bool = False) -> list[Address]:
    """The addresses that session names or addresses stand for; a part of a name is offered, never guessed.

    Those that were only `found`, and that nothing manages, are for looking at.
    """
    known = _known(seen, found=found)
    return [_one(name, known) for name in names]


def resolve_declared(seen: ProjectView, names: Iterable[str]) -> list[Address]:
    """The same, for agents that a manifest declares; the others are only ever ended, by apply."""
    agents = resolve_names(seen, names)
    for address in agents:
        if address not in seen.desired.agents:
            how = ", or let `reconciler apply` end it" if seen.has_manifest else ": `reconciler init` writes a manifest"
            raise UsageError(f"no manifest declares {address}", fix=f"declare it{how}")
    return agents


def resting(seen: ProjectView, names: Iterable[str]) -> list[Address]:
    """Agents that can be put to rest: those that a manifest declares, or without one those that the registry knows."""
    if seen.has_manifest:
        return resolve_declared(seen, names)
    agents = resolve_names(seen, names)
    for address in agents:
        if address not in seen.cases:
            raise UsageError(f"{address} is archived", fix="declare it in a manifest, then `reconciler resume` it")
    return agents


def _known(seen: ProjectView, *, found: bool) -> dict[str, Address]:
    """Every declared or recorded agent, under its address and its session's name."""
    rows = [row for row in seen.stored.record.sessions.values() if row.managed or found]
    names = {row.session: row.address for row in rows} | {str(row.address): row.address for row in rows}
    for spec in seen.desired.agents.values():
        names |= {spec.session: spec.address, str(spec.address): spec.address}
    return names


def _one(name: str, known: dict[str, Address]) -> Address:
    if name in known:
        return known[name]
    close = sorted(each for each in known if name in each)
    offer = f"did you mean {' or '.join(close[:4])}?" if close else "`reconciler status` lists all agents"
    raise UsageError(f"there is no agent {name}", fix=offer)


def expect_at_rest(seen: ProjectView, agents: Iterable[Address]) -> None:
    """Refused for an agent that runs: it is in a conversation already."""
    for agent in agents:
        pane = seen.cases[agent].pane
        if isinstance(pane, Present) and not pane.value.dead:
            raise Refused(f"{agent} runs, and is in a conversation", fix=f"stop it first: reconciler stop {agent}")


def at_rest(seen: ProjectView) -> list[Address]:
    """Declared agents that shall run and do not."""

    def lies_down(address: Address) -> bool:
        pane = seen.cases[address].pane
        return isinstance(pane, Absent) or (isinstance(pane, Present) and pane.value.dead)

    wanted = [spec.address for spec in seen.desired.agents.values() if spec.state is RunState.RUNNING]
    return [address for address in wanted if lies_down(address)]


def expect_ids(seen: ProjectView, agents: Iterable[Address]) -> None:
    """Refused for an agent whose conversation id is not known."""
    for address in agents:
        live = seen.snapshot.agents.get(address)
        known = seen.cases[address].identity.session_id if address in seen.cases else None
        if not known and not (live and live.conversation):
            raise Refused(f"the conversation id of {address} is not known", fix="stop it without --capture-id")

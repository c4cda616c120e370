"""Find agents by name, and check that a command may use them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.app.agents.look import ProjectView
from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.model.errors import Refused, UsageError
from reconciler.model.observed import Absent, Present


def resolve_names(seen: ProjectView, names: Iterable[str], *, found: bool = False) -> list[Address]:
    """The addresses for session names or addresses. Similar names are suggested, never chosen.

    With `found`, live sessions that nothing manages count, too; use that only for commands that look.
    """
    known = _known(seen, found=found)
    return [_one(name, known) for name in names]


def resolve_declared(seen: ProjectView, names: Iterable[str]) -> list[Address]:
    """The addresses of declared agents by name. Raises UsageError for others: apply only ever ends them."""
    agents = resolve_names(seen, names)
    for address in agents:
        if address not in seen.desired.agents:
            how = ", or let `reconciler apply` end it" if seen.has_manifest else ": `reconciler init` writes a manifest"
            raise UsageError(f"no manifest declares {address}", fix=f"declare it{how}")
    return agents


def resting(seen: ProjectView, names: Iterable[str]) -> list[Address]:
    """The addresses of agents that can be stopped: declared ones, or without a manifest, those in the registry."""
    if seen.has_manifest:
        return resolve_declared(seen, names)
    agents = resolve_names(seen, names)
    for address in agents:
        if address not in seen.cases:
            raise UsageError(f"{address} is archived", fix="declare it in a manifest, then `reconciler resume` it")
    return agents


def _known(seen: ProjectView, *, found: bool) -> dict[str, Address]:
    """Every declared or recorded agent, by address and by session name."""
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
    """Raise Refused if an agent runs, because it is already in a conversation."""
    for agent in agents:
        pane = seen.cases[agent].pane
        if isinstance(pane, Present) and not pane.value.dead:
            raise Refused(f"{agent} is running and has a conversation", fix=f"stop it first: reconciler stop {agent}")


def at_rest(seen: ProjectView) -> list[Address]:
    """Declared agents that should run but do not."""

    def lies_down(address: Address) -> bool:
        pane = seen.cases[address].pane
        return isinstance(pane, Absent) or (isinstance(pane, Present) and pane.value.dead)

    wanted = [spec.address for spec in seen.desired.agents.values() if spec.state is RunState.RUNNING]
    return [address for address in wanted if lies_down(address)]


def expect_ids(seen: ProjectView, agents: Iterable[Address]) -> None:
    """Raise Refused if the conversation id of an agent is not known."""
    for address in agents:
        live = seen.snapshot.agents.get(address)
        known = seen.cases[address].identity.session_id if address in seen.cases else None
        if not known and not (live and live.conversation):
            raise Refused(f"the conversation id of {address} is not known", fix="stop it without --capture-id")

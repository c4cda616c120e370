"""Find agents by name, and check that a command may use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.app.agents.look import ProjectView
from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.model.errors import Refused, UsageError
from reconciler.model.observed import Absent, Present
from reconciler.model.short_names import NamedResource, the_one


def resolve_names(seen: ProjectView, names: Iterable[str], *, found: bool = False) -> list[Address]:
    """The addresses that names stand for: a session, an address, or any part that only one agent has.

    Those that were only `found`, and that nothing manages, are for looking at.

    Raises:
        UsageError: No agent has the name in it, or several have: they are listed.
    """
    known = known_agents(seen, found=found)
    return [the_one(name, known).address for name in names]


def full_names(seen: ProjectView, names: Iterable[str]) -> Iterator[str]:
    """A line for each name that is only a part of one: what it stands for. Raises as `resolve_names`."""
    known = known_agents(seen)
    for name in names:
        one = the_one(name, known)
        if name not in one.full_names:
            yield f"{name} is {one.address} ({one.session})"


def resolve_declared(seen: ProjectView, names: Iterable[str]) -> list[Address]:
    """The same, for agents that a manifest declares; the others are only ever ended, by apply."""
    return _declared(seen, resolve_names(seen, names))


def declared_session(seen: ProjectView, session: str) -> list[Address]:
    """The declared agent whose session or address this is, whole: for names that come from a program."""
    known = known_agents(seen)
    if session not in {name for each in known for name in each.full_names}:
        raise UsageError(f"there is no agent {session}", fix="`reconciler status` lists all agents")
    return resolve_declared(seen, [session])


def _declared(seen: ProjectView, agents: list[Address]) -> list[Address]:
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


def known_agents(seen: ProjectView, *, found: bool = False) -> list[NamedResource]:
    """Every declared or recorded agent, once for each session that it has or shall have."""
    rows = [row for row in seen.stored.record.sessions.values() if row.managed or found]
    recorded = [NamedResource(row.address, row.session) for row in rows]
    declared = [NamedResource(spec.address, spec.session) for spec in seen.desired.agents.values()]
    return list(dict.fromkeys([*recorded, *declared]))


def expect_at_rest(seen: ProjectView, agents: Iterable[Address]) -> None:
    """Raise Refused if an agent runs, because it is already in a conversation."""
    for agent in agents:
        pane = seen.cases[agent].pane
        if isinstance(pane, Present) and not pane.value.dead:
            raise Refused(f"{agent} is running and has a conversation", fix=f"stop it first: reconciler stop {agent}")


def at_rest(seen: ProjectView) -> list[Address]:
    """Declared agents that should run but do not."""

    def is_down(address: Address) -> bool:
        pane = seen.cases[address].pane
        return isinstance(pane, Absent) or (isinstance(pane, Present) and pane.value.dead)

    wanted = [spec.address for spec in seen.desired.agents.values() if spec.state is RunState.RUNNING]
    return [address for address in wanted if is_down(address)]


def expect_ids(seen: ProjectView, agents: Iterable[Address]) -> None:
    """Raise Refused if the conversation id of an agent is not known."""
    for address in agents:
        live = seen.snapshot.agents.get(address)
        known = seen.cases[address].identity.session_id if address in seen.cases else None
        if not known and not (live and live.conversation):
            raise Refused(f"the conversation id of {address} is not known", fix="stop it without --capture-id")

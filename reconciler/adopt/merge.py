"""Merge the findings of all sources into one plan: which agent is which, with which name and folder. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address, agent_address
from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.adoption_plan import AdoptedAgent, AdoptedType, AdoptionPlan
from reconciler.model.desired import Agent, Desired, RunState
from reconciler.model.record import Record
from reconciler.model.snapshot import Pane

from .candidates import Candidate, candidates
from .names import alternatives, session_name, valid_name
from .registry_edits import registry_edits
from .workspaces import Workspaces


class ExistingState(Struct, frozen=True):
    """The state before the adoption."""

    desired: Desired
    record: Record
    types: frozenset[str]
    """The names of all known agent types."""
    panes: Mapping[str, Pane]
    """The first pane of each session, by the session's name."""


def adoption(findings: Sequence[Findings], existing: ExistingState) -> AdoptionPlan:
    """The plan that adopts everything that was found. If two findings contradict each other, the earlier one counts."""
    taken = _Allocation(existing, Workspaces(existing.desired))
    agents, left = [], [each for source in findings for each in source.left_alone]
    everyone = candidates(found for source in findings for found in source.agents)
    for candidate in everyone:  # first for all: the folder of a workspace may be known from another agent in it
        taken.spaces.place(candidate.found)
    for candidate in everyone:
        adopted = taken.adopt(candidate)
        if isinstance(adopted, LeftAlone):
            left.append(adopted)
        else:
            agents.append(adopted)
    agents = sorted(_with_declared_needs(agents, existing.desired), key=lambda agent: agent.address)
    names = {agent.address.workspace for agent in agents if not agent.declared}
    spaces = (space for name, space in taken.spaces.chosen.items() if name in names)
    return AdoptionPlan(
        agents=tuple(agents),
        workspaces=tuple(sorted(spaces, key=lambda space: space.name)),
        types=tuple(_types(agents, existing)),
        edits=registry_edits(agents, existing.record),
        left_alone=tuple(dict.fromkeys(left)),
    )


def _with_declared_needs(agents: Sequence[AdoptedAgent], desired: Desired) -> Iterator[AdoptedAgent]:
    """The agents, each with only those `depends_on` that are declared: any other one is an error in a manifest."""
    known = {str(agent.address) for agent in agents} | set(map(str, desired.agents))
    for agent in agents:
        needs = tuple(each for each in agent.found.depends_on if each in known)
        yield replace(agent, found=replace(agent.found, depends_on=needs))


@dataclass(slots=True)
class _Allocation:
    """Assigns an address to each candidate, and remembers the addresses and conversations in use."""

    existing: ExistingState
    spaces: Workspaces
    addresses: set[Address] = field(default_factory=set)
    conversations: dict[str, Address] = field(default_factory=dict)

    def adopt(self, candidate: Candidate) -> AdoptedAgent | LeftAlone:
        """The candidate with its new address, or why it is not adopted."""
        found = candidate.found
        owner = self.conversations.get(found.conversation) or self._owner(found)
        if owner:
            why = f"its conversation {found.conversation} belongs to {owner}"
            return LeftAlone(_named(found), why, "end one of the two: two agents must not write to one conversation")
        workspace = self.spaces.place(found)
        path = self.spaces.path(workspace)
        if not path:
            fix = f"declare workspace {workspace} with its `path` in a manifest, then run `reconciler adopt` again"
            return LeftAlone(_named(found), "the folder it works in is not known", fix, found.place)
        role, spelled = valid_name(found.role), valid_name(found.agent)
        address = next(each for each in self._addresses(workspace, spelled, role) if self._is_free(each, found, role))
        self.addresses.add(address)
        spec = self.existing.desired.agents.get(address)
        if spec and spec.state is not RunState.RUNNING and found.live and self._taken_over(found):
            fix = "set `state: running` in its block, or end that session; then run `reconciler adopt` again"
            return LeftAlone(
                _named(found), f"it runs, but {address} is declared with `state: {spec.state}`", fix, spec.place
            )
        if found.conversation:
            self.conversations[found.conversation] = address
        return self._adopted(candidate, address, role, path)

    def _adopted(self, candidate: Candidate, address: Address, role: str, path: str) -> AdoptedAgent:
        found, spec = candidate.found, self.existing.desired.agents.get(address)
        session = spec.session if spec else session_name(address.workspace, role, address.agent)
        takes_over = self._taken_over(found)
        settled = replace(found, role=role, type=valid_name(found.type), path=path)
        return AdoptedAgent(
            address=address,
            session=session,
            found=settled,
            sources=candidate.sources,
            declared=spec is not None,
            takes_over=takes_over,
            conversation=found.conversation,
            known_by=found.known_by,
            notes=(*_session_renaming(found, session, takes_over), *_moves(found, path), *found.notes),
            comments=(*_renamings(found, address), *found.comments),
        )

    def _taken_over(self, found: FoundAgent) -> str:
        """The live session without tags that will be imported; empty if there is none, or if it is already ours."""
        pane = self.existing.panes.get(found.session)
        return found.session if pane is not None and not pane.lineage else ""

    def _owner(self, found: FoundAgent) -> Address | None:
        """The other agent that has this conversation in the registry; None if there is none."""
        if not found.conversation or found.row:
            return None
        own = agent_address(valid_name(found.workspace), valid_name(found.agent))
        owners = dict(self.existing.record.conversations())
        owner = owners.get(found.conversation, own)
        return None if owner == own or self._was_adopted_as(found, owner) else owner

    def _was_adopted_as(self, found: FoundAgent, owner: Address) -> bool:
        """Whether `owner` is this agent, with the name that it got in an earlier adoption."""
        spec = self.existing.desired.agents.get(owner)
        return spec is not None and spec.type == found.type and spec.cwd == found.path

    def _addresses(self, workspace: str, agent: str, role: str) -> Iterator[Address]:
        return (agent_address(workspace, name) for name in alternatives(agent, role))

    def _is_free(self, address: Address, found: FoundAgent, role: str) -> bool:
        if address in self.addresses:
            return False
        spec, rows = self.existing.desired.agents.get(address), self.existing.record.sessions.values()
        others = [row for row in rows if row.address == address and row.session != found.row and row.managed]
        if spec is not None:
            return _is_declared_as(spec, found, self.existing.record)
        session = session_name(address.workspace, role, address.agent)
        sessions = {each.session for each in self.existing.desired.agents.values()}
        return session not in sessions and not (others and not found.row)


def _is_declared_as(spec: Agent, found: FoundAgent, record: Record) -> bool:
    """Whether the agent that was found is this declared agent."""
    row = record.sessions.get(found.row) if found.row else None
    if row is not None:
        return row.address == spec.address
    if found.session == spec.session:
        return True
    known = record.identity(spec.address).session_id
    if found.conversation and known and found.conversation != known:
        return False
    return not found.live and (spec.type, spec.cwd) == (found.type, found.path)


def _named(found: FoundAgent) -> str:
    if found.live:
        return f"session {found.session}"
    if found.row:
        return f"{found.row} of {found.source}"
    return f"{found.workspace}/{found.agent} of {found.source}"


def _renamings(found: FoundAgent, address: Address) -> Iterator[str]:
    if found.workspace and address.workspace != found.workspace:
        yield f"workspace {found.workspace} is called {address.workspace} in the manifest"
    if address.agent != found.agent:
        yield f"{found.agent} is called {address.agent} in the manifest"


def _session_renaming(found: FoundAgent, session: str, takes_over: str) -> Iterator[str]:
    if takes_over and takes_over != session:
        yield f"its session {takes_over} will be renamed; the agent keeps running"
    elif found.row and found.row != session:
        yield f"its session {found.row} will be called {session}"


def _moves(found: FoundAgent, path: str) -> Iterator[str]:
    if found.path and found.path != path and not found.path.startswith(f"{path}/"):
        yield f"it works in {found.path} now; the next start is in {path}"


def _types(agents: Iterable[AdoptedAgent], existing: ExistingState) -> Iterator[AdoptedType]:
    commands: dict[str, tuple[str, ...]] = {}
    for agent in agents:
        kind = agent.found.type
        if not agent.declared and kind not in existing.types and not commands.get(kind):
            commands[kind] = agent.found.command
    yield from (AdoptedType(name, command or (name,)) for name, command in sorted(commands.items()))

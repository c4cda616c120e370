"""The findings of all sources become one plan: who is whom, under which name, in which folder. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address, agent_address, agent_session
from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.adoption_plan import AdoptedAgent, AdoptedType, AdoptionPlan
from reconciler.model.desired import Agent, Desired, RunState
from reconciler.model.record import Record
from reconciler.model.snapshot import Pane

from .moves import registry_edits
from .names import alternatives, valid_name
from .places import Workspaces
from .same import Candidate, candidates


class KnownBefore(Struct, frozen=True):
    """What is there before anything is adopted: `types` are known, `panes` the first ones of all sessions, by name."""

    desired: Desired
    record: Record
    types: frozenset[str]
    panes: Mapping[str, Pane]


def adoption(findings: Sequence[Findings], around: KnownBefore) -> AdoptionPlan:
    """What becomes of everything that was found. The earlier findings speak first where two contradict."""
    taken = _Taken(around, Workspaces(around.desired))
    agents, left = [], [each for source in findings for each in source.left_alone]
    everyone = candidates(found for source in findings for found in source.agents)
    for candidate in everyone:  # one agent may tell the folder of another one's workspace
        taken.spaces.place(candidate.found)
    for candidate in everyone:
        adopted = taken.adopt(candidate)
        if isinstance(adopted, LeftAlone):
            left.append(adopted)
        else:
            agents.append(adopted)
    agents = sorted(_without_unknown_needs(agents, around.desired), key=lambda agent: agent.address)
    names = {agent.address.workspace for agent in agents if not agent.declared}
    spaces = (space for name, space in taken.spaces.chosen.items() if name in names)
    return AdoptionPlan(
        agents=tuple(agents),
        workspaces=tuple(sorted(spaces, key=lambda space: space.name)),
        types=tuple(_types(agents, around)),
        edits=registry_edits(agents, around.record),
        left_alone=tuple(dict.fromkeys(left)),
    )


def _without_unknown_needs(agents: Sequence[AdoptedAgent], desired: Desired) -> Iterator[AdoptedAgent]:
    """The agents, each with only those `depends_on` that a manifest will declare: others would be a mistake in it."""
    known = {str(agent.address) for agent in agents} | set(map(str, desired.agents))
    for agent in agents:
        needs = tuple(each for each in agent.found.depends_on if each in known)
        yield replace(agent, found=replace(agent.found, depends_on=needs))


@dataclass(slots=True)
class _Taken:
    """The addresses, sessions and conversations that are given away so far."""

    around: KnownBefore
    spaces: Workspaces
    addresses: set[Address] = field(default_factory=set)
    conversations: dict[str, Address] = field(default_factory=dict)

    def adopt(self, candidate: Candidate) -> AdoptedAgent | LeftAlone:
        """The candidate under the address that it gets, or why it gets none."""
        found = candidate.found
        owner = self.conversations.get(found.conversation) or self._owner(found)
        if owner:
            why = f"its conversation {found.conversation} belongs to {owner}"
            return LeftAlone(_named(found), why, "end one of the two: two agents in one conversation mix it up")
        workspace = self.spaces.place(found)
        path = self.spaces.path(workspace)
        if not path:
            fix = f"declare workspace {workspace} with its `path` in a manifest, then `reconciler adopt` again"
            return LeftAlone(_named(found), "nothing tells in which folder it works", fix, found.place)
        role, spelled = valid_name(found.role), valid_name(found.agent)
        address = next(each for each in self._addresses(workspace, spelled, role) if self._is_free(each, found, role))
        self.addresses.add(address)
        spec = self.around.desired.agents.get(address)
        if spec and spec.state is not RunState.RUNNING and found.live and self._taken_over(found):
            fix = "write `state: running` in its block or end that session, then `reconciler adopt` again"
            return LeftAlone(_named(found), f"it runs, and {address} is declared as {spec.state}", fix, spec.place)
        if found.conversation:
            self.conversations[found.conversation] = address
        return self._adopted(candidate, address, role, path)

    def _adopted(self, candidate: Candidate, address: Address, role: str, path: str) -> AdoptedAgent:
        found, spec = candidate.found, self.around.desired.agents.get(address)
        session = spec.session if spec else agent_session(address.workspace, role, address.agent)
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
        """The session that is there without tags; empty when there is none, or when it is ours already."""
        pane = self.around.panes.get(found.session)
        return found.session if pane is not None and not pane.lineage else ""

    def _owner(self, found: FoundAgent) -> Address | None:
        """The other agent whose conversation this is, by the registry; None when it is nobody's."""
        if not found.conversation or found.row:
            return None
        own = agent_address(valid_name(found.workspace), valid_name(found.agent))
        owners = dict(self.around.record.conversations())
        owner = owners.get(found.conversation, own)
        return None if owner == own or self._is_made_of(found, owner) else owner

    def _is_made_of(self, found: FoundAgent, owner: Address) -> bool:
        """Whether that agent is this one, under the name that it got when it was adopted before."""
        spec = self.around.desired.agents.get(owner)
        return spec is not None and spec.type == found.type and spec.cwd == found.path

    def _addresses(self, workspace: str, agent: str, role: str) -> Iterator[Address]:
        return (agent_address(workspace, name) for name in alternatives(agent, role))

    def _is_free(self, address: Address, found: FoundAgent, role: str) -> bool:
        if address in self.addresses:
            return False
        spec, rows = self.around.desired.agents.get(address), self.around.record.sessions.values()
        others = [row for row in rows if row.address == address and row.session != found.row and row.managed]
        if spec is not None:
            return _is_declared_as(spec, found, self.around.record)
        session = agent_session(address.workspace, role, address.agent)
        sessions = {each.session for each in self.around.desired.agents.values()}
        return session not in sessions and not (others and not found.row)


def _is_declared_as(spec: Agent, found: FoundAgent, record: Record) -> bool:
    """Whether a declared agent is the one that was found."""
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
        yield f"it works in {found.path}, and starts in {path} the next time"


def _types(agents: Iterable[AdoptedAgent], around: KnownBefore) -> Iterator[AdoptedType]:
    commands: dict[str, tuple[str, ...]] = {}
    for agent in agents:
        kind = agent.found.type
        if not agent.declared and kind not in around.types and not commands.get(kind):
            commands[kind] = agent.found.command
    yield from (AdoptedType(name, command or (name,)) for name, command in sorted(commands.items()))

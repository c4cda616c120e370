"""What is declared, as a graph: the agents of each workspace, the users and topics of each broker.

An arrow points to what comes after: from an agent to one that waits for it, from a user to the topic it writes, from a
topic to the user that reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from reconciler.model.address import Address
from reconciler.model.broker import Access, Broker, Grant
from reconciler.model.desired import Agent, Desired, RunState, Workspace
from reconciler.model.harmless import one_line

Rights = Mapping[str, Sequence[Grant]]  # by the name of a user


class NodeKind(StrEnum):
    """What a node is."""

    AGENT = "agent"
    USER = "user"
    TOPIC = "topic"


class ArrowKind(StrEnum):
    """What an arrow means."""

    ONE_WAY = "one way"
    BOTH_WAYS = "both ways"
    DENIED = "denied"


class Node(Struct, frozen=True):
    """One thing in a group."""

    id: str
    kind: NodeKind
    title: str
    detail: str


class GraphGroup(Struct, frozen=True):
    """A workspace or a broker, and what is in it."""

    id: str
    title: str
    detail: str
    nodes: tuple[Node, ...]


class Arrow(Struct, frozen=True):
    """An arrow from one node to another; both are ids."""

    source: str
    target: str
    kind: ArrowKind = ArrowKind.ONE_WAY


class Graph(Struct, frozen=True):
    """Groups and arrows, in the order of the manifests."""

    title: str
    groups: tuple[GraphGroup, ...]
    arrows: tuple[Arrow, ...]


def graph(desired: Desired, rights: Mapping[Address, Rights]) -> Graph:
    """The graph of what is declared; `rights` has what the users of each broker may do."""
    workspaces = [_workspace(spec, desired.agents.values()) for spec in desired.workspaces.values()]
    brokers = [_broker(spec, rights[spec.address]) for spec in desired.brokers.values()]
    waits = [Arrow(str(each), str(spec.address)) for spec in desired.agents.values() for each in spec.depends_on]
    flows = [arrow for spec in desired.brokers.values() for arrow in _flows(spec, rights[spec.address])]
    return Graph(desired.project, (*workspaces, *brokers), (*waits, *flows))


# --- agents -----------------------------------------------------------------------------------


def _workspace(spec: Workspace, agents: Iterable[Agent]) -> GraphGroup:
    mine = [agent for agent in agents if agent.address.workspace == spec.address.workspace]
    nodes = [Node(str(agent.address), NodeKind.AGENT, agent.address.agent, _agent_detail(agent)) for agent in mine]
    tree = f" (worktree of {spec.git.repo}, branch {spec.git.branch})" if spec.git else ""
    return GraphGroup(str(spec.address), spec.address.workspace, f"{spec.path}{tree}", tuple(nodes))


def _agent_detail(agent: Agent) -> str:
    resting = () if agent.state is RunState.RUNNING else (agent.state.value,)
    return ", ".join((agent.type, agent.role, *resting))


# --- brokers ----------------------------------------------------------------------------------


def _broker(spec: Broker, rights: Rights) -> GraphGroup:
    topics = dict.fromkeys(grant.topic for grants in rights.values() for grant in grants)
    roles = {user.name: user.role.value for user in spec.users}
    nodes = [
        *(Node(_user(spec, name), NodeKind.USER, name, roles.get(name, "")) for name in rights),
        *(Node(_topic(spec, topic), NodeKind.TOPIC, topic, "") for topic in topics),
    ]
    ports = ", ".join(str(each.port) for each in spec.listeners)
    return GraphGroup(str(spec.address), f"broker {spec.address.workspace}", f"{spec.host}:{ports}", tuple(nodes))


def _flows(spec: Broker, rights: Rights) -> Iterator[Arrow]:
    for name, grants in rights.items():
        user = _user(spec, name)
        for grant in grants:
            topic = _topic(spec, grant.topic)
            match grant.access:
                case Access.READ:
                    yield Arrow(topic, user)
                case Access.WRITE:
                    yield Arrow(user, topic)
                case Access.READWRITE:
                    yield Arrow(user, topic, ArrowKind.BOTH_WAYS)
                case Access.DENY:
                    yield Arrow(user, topic, ArrowKind.DENIED)


def _user(spec: Broker, name: str) -> str:
    return f"{spec.address} user {name}"


def _topic(spec: Broker, topic: str) -> str:
    return f"{spec.address} topic {topic}"


def printable(text: str) -> str:
    """The text as one harmless line: a path or a topic may contain line ends and other control characters."""
    return one_line(text)

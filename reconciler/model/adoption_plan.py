"""The plan of `adopt`: what it would do with everything that it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from .address import Address
from .adoption import FoundAgent, LeftAlone
from .record import Json, RowEdit

if TYPE_CHECKING:
    from .desired import Git


class AdoptedAgent(Struct, frozen=True):
    """One agent that the project will manage."""

    address: Address
    session: str
    found: FoundAgent
    """The facts of all `sources` together."""
    sources: tuple[str, ...]
    declared: bool = False
    """Whether a manifest already declares it."""
    takes_over: str = ""
    """The name of the live session to tag and record; empty if there is none, or if it is already ours."""
    conversation: str = ""
    known_by: str = ""
    """How the conversation is known, see `FoundAgent.known_by`."""
    previous: tuple[str, ...] = ()
    """Earlier conversations."""
    notes: tuple[str, ...] = ()
    """Notes for the user that are true now, see `FoundAgent.notes`."""
    comments: tuple[str, ...] = ()
    """Facts that stay true, see `FoundAgent.comments`."""

    @property
    def is_new(self) -> bool:
        """Whether the adoption changes something for this agent."""
        return not self.declared or bool(self.takes_over)


class AdoptedWorkspace(Struct, frozen=True):
    """One workspace of the manifests. `declared` means that a manifest already has it. `path` is absolute."""

    name: str
    path: str
    declared: bool = False
    git: Git | None = None
    notes: tuple[str, ...] = ()


class AdoptedType(Struct, frozen=True):
    """An agent type that reconciler does not know. It is declared with the command that was found."""

    name: str
    command: tuple[str, ...]


class CompletedRow(Struct, frozen=True):
    """One row of the registry that is rewritten. `how` says what changes in it, in sentences."""

    name: str
    how: tuple[str, ...]
    line: int = 0


class SecuredFile(Struct, frozen=True):
    """A file that other users can read, or that contains a password.

    `why` says what is wrong, `does` what the adoption does about it. Both are sentences without secrets.
    """

    path: str
    line: int
    why: str
    does: str


class AdoptionPlan(Struct, frozen=True):
    """Everything that would be done, and what is left alone.

    `edits` are changes of the registry for new names and folders. `broker` is the block of a broker that was set up by
    hand; `broker_notes` are notes about it for the user.
    """

    agents: tuple[AdoptedAgent, ...] = ()
    workspaces: tuple[AdoptedWorkspace, ...] = ()
    types: tuple[AdoptedType, ...] = ()
    edits: tuple[RowEdit, ...] = ()
    rows: tuple[CompletedRow, ...] = ()
    secured: tuple[SecuredFile, ...] = ()
    broker: Mapping[str, Json] = field(default_factory=dict)
    broker_notes: tuple[str, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    @property
    def new_agents(self) -> tuple[AdoptedAgent, ...]:
        """The agents for which the adoption changes something."""
        return tuple(agent for agent in self.agents if agent.is_new)

    @property
    def imports(self) -> dict[Address, str]:
        """The live sessions that are taken over, by agent."""
        return {agent.address: agent.takes_over for agent in self.agents if agent.takes_over}

    @property
    def declares(self) -> bool:
        """Whether a manifest is written."""
        return any(not agent.declared for agent in self.agents) or bool(self.broker)

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to confirm."""
        return bool(self.new_agents or self.edits or self.rows or self.secured or self.broker)

"""What `adopt` would do about everything that it found: one plan, as values."""

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
    """One agent that is in the project's care afterwards.

    `found` is what all `sources` together say of it. With `declared`, a manifest has its block already. The live
    session called `takes_over` is tagged and recorded; empty when there is none, or when it is ours already. `notes`
    are clauses for the reader.
    """

    address: Address
    session: str
    found: FoundAgent
    sources: tuple[str, ...]
    declared: bool = False
    takes_over: str = ""
    conversation: str = ""
    known_by: str = ""
    previous: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether something is done about it."""
        return not self.declared or bool(self.takes_over)


class AdoptedWorkspace(Struct, frozen=True):
    """One workspace that a manifest declares afterwards; with `declared`, it did before. `path` is absolute."""

    name: str
    path: str
    declared: bool = False
    git: Git | None = None
    notes: tuple[str, ...] = ()


class AdoptedType(Struct, frozen=True):
    """An agent type that nobody knows: it is declared with the command that was found."""

    name: str
    command: tuple[str, ...]


class CompletedRow(Struct, frozen=True):
    """One row of the registry that is written again: what changes in it, as sentences."""

    name: str
    how: tuple[str, ...]
    line: int = 0


class SecuredFile(Struct, frozen=True):
    """A file that others can read, or that holds a password: what is done about it, and the change that does it.

    `why` and `does` are sentences; no secret is in any of them.
    """

    path: str
    line: int
    why: str
    does: str


class AdoptionPlan(Struct, frozen=True):
    """Everything that would be done, and what is left alone.

    `edits` are changes of the registry that the new names and folders need. `broker` is the block of a broker whose
    folder was made by hand, `broker_notes` what is worth knowing of it.
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
        """The agents that something is done about."""
        return tuple(agent for agent in self.agents if agent.is_new)

    @property
    def imports(self) -> dict[Address, str]:
        """The live sessions that are taken over, by the agents that they are."""
        return {agent.address: agent.takes_over for agent in self.agents if agent.takes_over}

    @property
    def declares(self) -> bool:
        """Whether a manifest is written."""
        return any(not agent.declared for agent in self.agents) or bool(self.broker)

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to agree to."""
        return bool(self.new_agents or self.edits or self.rows or self.secured or self.broker)

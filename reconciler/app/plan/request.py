"""What a plan shall be about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.app.project.manifests import Edit, Restore
from reconciler.model.address import Address
from reconciler.model.desired import RunState
from reconciler.model.plan import Mode
from reconciler.render.shape import OptionsDoc

if TYPE_CHECKING:
    from reconciler.model.generation import AgentThen


@dataclass(frozen=True, slots=True)
class Goal:
    """An earlier generation to go back to, and its agents as it left them: those that are missing did not run."""

    generation: int
    agents: Mapping[Address, AgentThen]

    @property
    def conversations(self) -> dict[Address, str]:
        """What each agent goes back to, as far as that was known."""
        return {address: then.conversation for address, then in self.agents.items() if then.conversation}

    @property
    def rested(self) -> frozenset[Address]:
        """The agents that a user had put to rest by hand."""
        return frozenset(address for address, then in self.agents.items() if then.by_hand)


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan shall be about, as the user said it.

    `states` and `conversations` stand in for what the manifest says of an agent, this one time; `goal` does so for
    all of them. `edits` are written before the work begins. `woken` may start although they were put to rest by
    hand; `deletes` are ended and forgotten, with `purge` together with their conversations. `operation` and `reason`
    are for the lock and the history; `automatic` says that nobody asked for it at this moment. With `closely`,
    agents are looked at although nothing is to be done about them.
    """

    paths: tuple[str, ...] = ()
    targets: tuple[Address, ...] = ()
    exclude: tuple[Address, ...] = ()
    replace: tuple[Address, ...] = ()
    mode: Mode = Mode.NORMAL
    refresh: bool = True
    closely: bool = False
    force: bool = False
    imports: Mapping[Address, str] = field(default_factory=dict)
    states: Mapping[Address, RunState] = field(default_factory=dict)
    conversations: Mapping[Address, str] = field(default_factory=dict)
    goal: Goal | None = None
    operation: str = "apply"
    reason: str = ""
    automatic: bool = False
    edits: tuple[Edit | Restore, ...] = ()
    woken: frozenset[Address] = frozenset()
    deletes: frozenset[Address] = frozenset()
    purge: bool = False

    @property
    def follows_manifests(self) -> bool:
        """Whether it makes the world as manifests say, and not as a command says of some agents."""
        return not self.states and not self.imports and self.mode is not Mode.REFRESH_ONLY

    @property
    def goes_back(self) -> bool:
        """Whether an earlier generation is wanted again."""
        return self.operation == "rollback"

    @property
    def by_hand(self) -> frozenset[Address]:
        """The agents that a command is about, whatever the manifests say of the others."""
        return frozenset((*self.imports, *self.states, *self.deletes))

    def document(self) -> OptionsDoc:
        """The request as a saved plan keeps it."""
        return {
            "mode": self.mode.value,
            "manifests": list(self.paths),
            "targets": [str(address) for address in self.targets],
            "exclude": [str(address) for address in self.exclude],
            "replace": [str(address) for address in self.replace],
            "force": self.force,
        }

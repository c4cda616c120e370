"""What is slow to look up about an agent: its last message, its branch, and what it asks. Kept until it may differ."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.agents.diff import diff_of
from reconciler.app.agents.last import last_of
from reconciler.app.agents.look import ProjectView
from reconciler.app.jobs.send import recipient_in
from reconciler.app.project.project import Project
from reconciler.jobs.agent_state import observe_agent
from reconciler.jobs.dialogs import dialog_of
from reconciler.kinds.agent.status import AgentStatus
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Job
from reconciler.render.board import AgentFacts

if TYPE_CHECKING:
    from reconciler.render.documents.diff import DiffDoc
    from reconciler.render.documents.last import LastDoc

_ASKED = 3  # lines: the command and the question
# Seconds for which the facts of an agent count while nothing shows that they changed.
_PATIENCE = {Activity.WAITING: 5.0, Activity.BUSY: 30.0}


class _FactsBasis(Struct, frozen=True):
    """What must still be so for facts to count."""

    activity: Activity
    conversation: str
    stored: Hashable
    """The time and the size of the stored conversation."""


class _KnownFacts(Struct, frozen=True):
    """What was found about an agent."""

    basis: _FactsBasis
    until: float
    """Of the monotonic clock."""
    question: str
    last: LastDoc | None
    diff: DiffDoc | None

    @property
    def shown(self) -> tuple[object, ...]:
        """What a user sees of it."""
        return (self.question, self.last, self.diff)


@dataclass(slots=True)
class FactsCache:
    """The slow facts of a project's agents, as far as they were asked for."""

    at: Project
    _known: dict[Address, _KnownFacts] = field(default_factory=dict)

    def question(self, address: Address) -> str:
        """What an agent asks; empty if it asks nothing, or was not looked at."""
        return self._known[address].question if address in self._known else ""

    def last(self, address: Address) -> LastDoc | None:
        """The newest messages of an agent; None if it was not looked at."""
        return self._known[address].last if address in self._known else None

    def diff(self, address: Address) -> DiffDoc | None:
        """The work of an agent; None if there is none, or if it was not looked at."""
        return self._known[address].diff if address in self._known else None

    def of(self, agent: AgentStatus, jobs: Mapping[str, Job], tokens: int | None) -> AgentFacts:
        """All that is known of an agent, with its open job and what it used today."""
        address = agent.address
        job = jobs.get(agent.session)
        return AgentFacts(self.question(address), self.last(address), self.diff(address), job, tokens)

    def learn(self, seen: ProjectView, address: Address) -> bool:
        """Look up what may have changed about an agent. Returns whether anything did."""
        before, now = self._known.get(address), self.at.clock.monotonic()
        basis = self._basis(seen, address, before.last if before else None)
        if before and before.basis == basis and now < before.until:
            return False
        last = before.last if before and before.basis == basis else self._last(seen, address)
        asks = basis.activity is Activity.WAITING
        found = self._known[address] = _KnownFacts(
            basis=self._basis(seen, address, last),
            until=now + _PATIENCE.get(basis.activity, math.inf),
            question=self._question(seen, address) if asks else "",
            last=last,
            diff=self._diff(seen, address),
        )
        return before is None or before.shown != found.shown

    def _basis(self, seen: ProjectView, address: Address, last: LastDoc | None) -> _FactsBasis:
        live, case = seen.snapshot.agents.get(address, LiveAgent()), seen.cases.get(address)
        conversation = live.conversation or (case.identity.session_id if case else "") or ""
        stored = self.at.files.facts(last["path"]) if last and last["path"] else None
        return _FactsBasis(live.activity, conversation, stored)

    def _last(self, seen: ProjectView, address: Address) -> LastDoc | None:
        with suppress(ReconcilerError):
            return last_of(self.at, seen, address)
        return None

    def _diff(self, seen: ProjectView, address: Address) -> DiffDoc | None:
        with suppress(ReconcilerError):
            return diff_of(self.at, seen, address)
        return None

    def _question(self, seen: ProjectView, address: Address) -> str:
        with suppress(ReconcilerError):
            to = recipient_in(self.at, seen, address)
            dialog = dialog_of(to.to, observe_agent(to.to, to.world))
            return " ".join(dialog.asked[-_ASKED:]) if dialog else ""
        return ""

"""Which agents of this project can do a job of another host now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from reconciler.agents.catalogue import catalogue
from reconciler.app.agents.look import ProjectView
from reconciler.app.jobs.queues import pool_of
from reconciler.app.project.project import Project
from reconciler.app.usage.budgets import refuse_over_budget
from reconciler.jobs.agent_state import observe_agent, refusal
from reconciler.jobs.recipient import Addressee, KnownAgents, addressee, recipient, session_of
from reconciler.kinds.agent.case import Case
from reconciler.model.desired import Agent, RunState
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present


class IdleAgent(Struct, frozen=True):
    """An agent of a pool that has nothing to do."""

    address: str
    pool: str
    workspace: str
    folder: str


def idle_agents(at: Project, seen: ProjectView, pools: Sequence[str], taken: Collection[str]) -> list[IdleAgent]:
    """The idle agents of these pools; `taken` are the sessions with open jobs, as job records name them."""
    return [found for spec, case in _of_pools(seen, pools) if (found := _idle(at, seen, spec, case, taken))]


def known_agents(seen: ProjectView) -> KnownAgents:
    """All agents of the project, to find one by its name."""
    return KnownAgents(seen.cases, seen.snapshot.tmux, catalogue(seen.desired.agent_types.values()))


def folder_of(to: Addressee) -> str:
    """The folder of the agent's workspace, or where its pane is if no workspace declares it."""
    spec = to.case.spec if to.case else None
    return spec.workspace_folder if spec else to.pane.cwd


def _of_pools(seen: ProjectView, pools: Sequence[str]) -> Iterator[tuple[Agent, Case]]:
    for address, spec in seen.desired.agents.items():
        if spec.state is RunState.RUNNING and pool_of(spec) in pools and address in seen.cases:
            yield spec, seen.cases[address]


def _idle(at: Project, seen: ProjectView, spec: Agent, case: Case, taken: Collection[str]) -> IdleAgent | None:
    if not isinstance(case.pane, Present) or case.pane.value.dead or session_of(case.pane.value) in taken:
        return None
    try:
        refuse_over_budget(at, seen.desired, spec.address)
        to = addressee(str(spec.address), "", known_agents(seen))
        whom = recipient(to, seen.snapshot, at.files, at.caller, at.root)
        if refusal(observe_agent(whom, at.world(seen.desired.socket)), to.profile):
            return None
    except ReconcilerError:  # it cannot be reached now, or gets no more today
        return None
    return IdleAgent(str(spec.address), pool_of(spec), spec.address.workspace, spec.workspace_folder)

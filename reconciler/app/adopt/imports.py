"""Plan the import of all live sessions: which ones are refused, and which conversations their processes prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from reconciler.app.plan.make import Planned, make_plan
from reconciler.app.project.project import Project
from reconciler.model.address import Address, parse_address
from reconciler.model.adoption import LeftAlone
from reconciler.model.adoption_plan import AdoptedAgent, AdoptionPlan
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.manifest_edit import Edit
from reconciler.plan.request import Request
from reconciler.state.registry import StoredRegistry, overlaid


def planned_import(at: Project, plan: AdoptionPlan, edits: tuple[Edit, ...], stored: StoredRegistry) -> Planned | None:
    """The plan that imports all live sessions, as if the manifests and the registry were already written."""
    if not plan.imports:
        return None
    request = Request(imports=plan.imports, edits=edits, operation="adopt")
    return make_plan(at, request, stored=overlaid(stored, plan.edits))


def refusals(plan: AdoptionPlan, planned: Planned) -> dict[str, LeftAlone]:
    """The sessions that are not imported, by name, with the reasons.

    If several sessions share a conversation, the new ones are refused first: the recorded one may be possible then.
    """
    agents = {str(agent.address): agent for agent in plan.agents if agent.takes_over}
    refused = [(agents[error.address], error) for error in planned.plan.errors if error.address in agents]
    new = [(agent, error) for agent, error in refused if not agent.found.row and not agent.declared]
    return {agent.takes_over: _refusal(agent, error, plan) for agent, error in new or refused}


def _refusal(agent: AdoptedAgent, error: Diagnostic, plan: AdoptionPlan) -> LeftAlone:
    session = agent.takes_over
    why = error.summary.removeprefix(f"session {session} ")
    detail = f" ({error.detail})" if error.detail else ""
    fix = "end that session" if _is_taken(error, agent, plan) else error.fix
    return LeftAlone(f"session {session}", f"{why}{detail}", f"{fix}, then run `reconciler adopt` again" if fix else "")


def _is_taken(error: Diagnostic, agent: AdoptedAgent, plan: AdoptionPlan) -> bool:
    """Whether its conversation belongs to another agent whose session is imported."""
    named = (parse_address(word) for word in error.summary.split())
    return any(address in plan.imports and address != agent.address for address in named if address)


def with_proofs(plan: AdoptionPlan, planned: Planned) -> AdoptionPlan:
    """The plan with the conversations that running processes prove."""
    held = {address: live.conversation for address, live in planned.snapshot.agents.items()}
    return replace(plan, agents=tuple(_with_proofs(plan.agents, held)))


def _with_proofs(agents: Iterable[AdoptedAgent], held: Mapping[Address, str]) -> Iterable[AdoptedAgent]:
    for agent in agents:
        yield _with_proof(agent, held.get(agent.address, "")) if agent.takes_over else agent


def _with_proof(agent: AdoptedAgent, proved: str) -> AdoptedAgent:
    recorded = agent.conversation
    if not proved:
        known_by = f"{agent.known_by}; its process does not confirm it" if recorded else ""
        return replace(agent, known_by=known_by)
    if not recorded:
        return replace(agent, conversation=proved, known_by="proved by its running process")
    if recorded == proved:
        return replace(agent, known_by=f"{agent.known_by} and proved by its running process")
    known_by = f"proved by its running process; {recorded} was {agent.known_by} and is kept as an earlier one"
    return replace(agent, conversation=proved, known_by=known_by, previous=(recorded,))

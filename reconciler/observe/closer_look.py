"""The closer look at agents that are not settled, or that the caller asked for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.kinds.agent.case import Case, settled
from reconciler.model.address import Address
from reconciler.model.observed import Present
from reconciler.model.snapshot import Snapshot
from reconciler.ports.world import World

from .agent_view import Caller
from .agents import with_facts, with_questions, with_reports
from .conversation_data import with_conversation_data
from .identity import other_agents
from .request import SnapshotRequest, is_asked


def look_closely(
    request: SnapshotRequest, snapshot: Snapshot, agents: Mapping[Address, Case], world: World, caller: Caller
) -> Snapshot:
    """Add to the snapshot all that a comparison needs to know of the agents that the request is about."""
    asked = [case for case in agents.values() if is_asked(case, request)]
    state = snapshot.tmux.value if isinstance(snapshot.tmux, Present) else None
    others = other_agents(request.record, state.panes if state else (), agents)
    if request.cache is not None:
        basis = (state.server if state else None, snapshot.secrets, replace(caller, env=dict(caller.env)))
        request.cache.begin(world, basis)
        return with_reports(snapshot, asked, others, request.cache, caller)
    full = with_facts(snapshot, asked, others, world, caller)
    full = with_questions(full, [case for case in asked if not settled(case, request.options)], world)
    deleted = [case for address, case in agents.items() if address in request.options.deletes]
    return with_conversation_data(full, deleted, world.files, caller) if deleted else full

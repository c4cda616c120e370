"""The closer look: at agents that something may have to be done about, or that were asked for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.kinds.agent.case import Case, settled
from reconciler.model.address import Address
from reconciler.model.observed import Present
from reconciler.model.snapshot import Snapshot
from reconciler.ports.world import World

from .agent_view import Caller
from .agents import with_facts, with_questions, with_words
from .conversation_data import with_conversation_data
from .identity import other_agents
from .request import SnapshotRequest, is_asked


def look_closely(
    request: SnapshotRequest, seen: Snapshot, agents: Mapping[Address, Case], world: World, caller: Caller
) -> Snapshot:
    """The snapshot with all that a comparison needs to know of the agents that are asked for."""
    asked = [case for case in agents.values() if is_asked(case, request)]
    state = seen.tmux.value if isinstance(seen.tmux, Present) else None
    others = other_agents(request.record, state.panes if state else (), agents)
    if request.cache is not None:
        basis = (state.server if state else None, seen.secrets, replace(caller, env=dict(caller.env)))
        request.cache.begin(world, basis)
        return with_words(seen, asked, others, request.cache, caller)
    full = with_facts(seen, asked, others, world, caller)
    full = with_questions(full, [case for case in asked if not settled(case, request.options)], world)
    leaving = [case for address, case in agents.items() if address in request.options.deletes]
    return with_conversation_data(full, leaving, world.files, caller) if leaving else full

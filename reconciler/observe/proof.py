"""Find the conversation that an agent has begun since its start a moment ago."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.kinds.agent.case import cases, unbound
from reconciler.kinds.agent.drift import drifts
from reconciler.model.action import Action
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.snapshot import Snapshot
from reconciler.ports.world import World

from .agent_view import Caller
from .agents import with_facts
from .identity import other_agents
from .request import SnapshotRequest


def proof(action: Action, request: SnapshotRequest, before: Snapshot, world: World, caller: Caller) -> Observed[Drift]:
    """The drift that records the agent's conversation; `Absent` while nothing proves it, `Unknown` when nothing will.

    The registry must have the start already. The agents in `action.after` do not count as rivals, so their
    conversations must be known.
    """
    snapshot = replace(before, tmux=world.tmux.look())
    found = cases(request.desired, request.record, snapshot, request.profiles, request.options)
    case = found[action.address]
    if not unbound(case):
        return Unknown("it does not run any more")
    if any(not found[address].identity.session_id for address in action.after):
        return Unknown("an agent that started before it may have begun the same conversation")
    panes = snapshot.tmux.value.panes if isinstance(snapshot.tmux, Present) else ()
    others = other_agents(request.record, panes, found, frozenset(action.after))
    full = with_facts(snapshot, [case], others, world, caller)
    proved = [
        drift for drift in drifts([case], full, request.options.now) if drift.kind is DriftClass.CONVERSATION_KNOWN
    ]
    return Present(proved[0]) if proved else ABSENT

"""Every conversation that the CLIs of the declared agents have stored for their workspaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.agents.subject import AgentEnvironment
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.desired import Agent
from reconciler.model.observed import Unknown
from reconciler.model.record import Record
from reconciler.model.snapshot import Snapshot
from reconciler.model.stored import StoredConversation
from reconciler.ports.world import Files

from .agent_view import Caller
from .request import SnapshotRequest
from .stored import FoundConversation, all_stored


def conversations(
    request: SnapshotRequest, snapshot: Snapshot, files: Files, caller: Caller
) -> Iterator[StoredConversation | Unknown]:
    """Each conversation once, and an `Unknown` for every place that could not be read."""
    bound = _bound(request.record)
    seen: set[tuple[str, str, str]] = set()
    for spec in request.desired.agents.values():
        own = visible_env(spec, None, snapshot.secrets)
        env = {**caller.env, **own}
        subject = AgentEnvironment(files.real(spec.cwd), env.get("HOME") or caller.home, env)
        for found in all_stored(request.profiles[spec.type], subject, files):
            if isinstance(found, Unknown):
                yield found
                continue
            key = (spec.address.workspace, spec.type, found.head.id)
            if key not in seen:
                seen.add(key)
                yield _stored(found, spec, bound)


def _stored(found: FoundConversation, spec: Agent, bound: Mapping[str, tuple[str, ...]]) -> StoredConversation:
    return StoredConversation(
        workspace=spec.address.workspace,
        type=spec.type,
        id=found.head.id,
        path=found.path,
        last_used=found.last_used,
        size=found.size,
        bound=bound.get(found.head.id, ()),
        started=found.head.started,
    )


def _bound(record: Record) -> Mapping[str, tuple[str, ...]]:
    """The names of the sessions whose agents have or had each conversation id, by the registry."""
    sessions = {(row.workspace, row.agent): row.session for row in record.sessions.values()}
    bound: dict[str, tuple[str, ...]] = {}
    for id_, address in record.conversations():
        session = sessions.get((address.workspace, address.agent), f"{address.workspace}.{address.agent}")
        bound[id_] = tuple(dict.fromkeys((*bound.get(id_, ()), session)))
    return bound

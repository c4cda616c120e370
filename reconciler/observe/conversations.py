"""Every stored conversation of the workspaces' agent types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.agents.profile import HEAD_BYTES, Profile, StoredHead, Subject, is_of
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.observed import Present, Unknown
from reconciler.model.record import Record
from reconciler.model.snapshot import Snapshot
from reconciler.model.stored import StoredConversation
from reconciler.ports.world import Files

from .agents import Caller
from .snapshot import Question


def conversations(
    question: Question, snapshot: Snapshot, files: Files, caller: Caller
) -> Iterator[StoredConversation | Unknown]:
    """Each conversation once, with `Unknown` for every place that could not be looked at."""
    bound = _bound(question.record)
    seen: set[tuple[str, str, str]] = set()
    for spec in question.desired.agents.values():
        own = visible_env(spec, None, snapshot.secrets)
        env = {**caller.env, **own}
        subject = Subject(files.real(spec.cwd), env.get("HOME") or caller.home, env)
        for found in _of_agent(question.profiles[spec.type], subject, files):
            if isinstance(found, Unknown):
                yield found
                continue
            key = (spec.address.workspace, spec.type, found.head.id)
            if key not in seen:
                seen.add(key)
                whose = bound.get(found.head.id, ())
                yield StoredConversation(*key, found.path, found.last_used, found.size, whose, found.head.started)


@dataclass(frozen=True, slots=True)
class _Found:
    head: StoredHead
    path: str
    last_used: int = 0
    size: int = 0


def _bound(record: Record) -> Mapping[str, tuple[str, ...]]:
    """The sessions of each conversation id, by what the registry says of their agents."""
    sessions = {(row.workspace, row.agent): row.session for row in record.sessions.values()}
    bound: dict[str, tuple[str, ...]] = {}
    for name, workspace in record.workspaces.items():
        for agent, identity in workspace.identities.items():
            for id_ in (identity.session_id, *identity.previous):
                if id_:
                    bound[id_] = (*bound.get(id_, ()), sessions.get((name, agent), f"{name}.{agent}"))
    return bound


def _of_agent(profile: Profile, subject: Subject, files: Files) -> Iterator[_Found | Unknown]:
    for pattern in profile.stores(subject):
        match files.find(pattern):
            case Unknown() as unknown:
                yield unknown
            case Present(paths):
                yield from (found for path in paths if (found := _in_file(path, profile, subject, files)))
    yield from _in_database(profile, subject, files)


def _in_file(path: str, profile: Profile, subject: Subject, files: Files) -> _Found | None:
    data, facts = files.read(path, HEAD_BYTES), files.facts(path)
    head = profile.read_head(path, data.value) if isinstance(data, Present) else None
    if head is None or head.hidden or is_of(head, subject.cwd) is False or not isinstance(facts, Present):
        return None
    return _Found(head, path, *facts.value)


def _in_database(profile: Profile, subject: Subject, files: Files) -> Iterator[_Found | Unknown]:
    query = profile.rows(subject)
    databases = files.find(query.pattern) if query else None
    if query is None or not isinstance(databases, Present):
        return
    for path in databases.value:
        match files.query(path, query.statement, query.parameters):
            case Unknown() as unknown:
                yield unknown
            case Present(rows):
                heads = (head for row in rows if (head := profile.read_row(row)))
                yield from (_Found(head, path) for head in heads if not head.hidden)

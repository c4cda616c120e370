"""Read what the CLIs have stored: one conversation by its id, or all conversations of a folder."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.agents.storage import HEAD_BYTES, StoredHead, is_of
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.snapshot import Artifact
from reconciler.ports.world import Files


class FoundConversation(Struct, frozen=True):
    """A stored conversation. `last_used` is Unix seconds and `size` bytes; both are 0 when it is in a database."""

    head: StoredHead
    path: str
    last_used: int = 0
    size: int = 0


def artifact(wanted: str, profile: Profile, subject: AgentEnvironment, files: Files) -> Observed[Artifact]:
    """Find the stored conversation with this id."""
    if not wanted:
        return ABSENT
    for pattern in profile.storage.artifacts(subject, wanted):
        match files.find(pattern):
            case Unknown() as unknown:
                return unknown
            case Present(paths) if paths:
                return _with_resumable(paths[0], profile.transcript.proof, files)
    return row_in_database(profile, subject, wanted, files)


def _with_resumable(path: str, proof: bytes, files: Files) -> Observed[Artifact]:
    if not proof:
        return Present(Artifact(path, resumable=True))
    match files.contains(path, proof):
        case Present(proven):
            return Present(Artifact(path, resumable=proven))
        case other:
            return other


def is_of_a_user(wanted: str, profile: Profile, subject: AgentEnvironment, files: Files) -> Observed[bool]:
    """Whether a user talks in the conversation, and not a subtask; `Absent` before its first prompt."""
    found = artifact(wanted, profile, subject, files)
    if not isinstance(found, Present):
        return found
    path = found.value.path
    match files.read(path, HEAD_BYTES):
        case Present(data):
            head = profile.storage.read_head(path, data)
            return Present(head is not None and not head.hidden)
        case other:
            return other


def row_in_database(profile: Profile, subject: AgentEnvironment, wanted: str, files: Files) -> Observed[Artifact]:
    """Find the stored conversation with this id for a CLI that keeps conversations in a database."""
    query = profile.database.row_of(subject, wanted)
    found = files.find(query.pattern) if query else ABSENT
    if query is None or not isinstance(found, Present):
        return found if isinstance(found, Unknown) else ABSENT
    for path in found.value:
        match files.query(path, query.statement, query.parameters):
            case Unknown() as unknown:
                return unknown
            case Present(rows):
                heads = [head for row in rows if (head := profile.database.read_row(row))]
                if any(head.id == wanted and not head.hidden for head in heads):
                    return Present(Artifact(path, resumable=True))
    return ABSENT


def all_stored(
    profile: Profile, subject: AgentEnvironment, files: Files, since: int = 0
) -> Iterator[FoundConversation | Unknown]:
    """Every conversation that may belong to the folder and was last used at or after `since`.

    An `Unknown` is in the result for every place that could not be read.
    """
    for pattern in profile.storage.stores(subject):
        match files.find(pattern):
            case Unknown() as unknown:
                yield unknown
            case Present(paths):
                yield from (found for path in paths if (found := _in_file(path, profile, subject, files, since)))
    yield from _in_database(profile, subject, files)


def _in_file(
    path: str, profile: Profile, subject: AgentEnvironment, files: Files, since: int
) -> FoundConversation | None:
    facts = files.facts(path)
    if not isinstance(facts, Present) or facts.value[0] < since:
        return None
    data = files.read(path, HEAD_BYTES)
    head = profile.storage.read_head(path, data.value) if isinstance(data, Present) else None
    if head is None or head.hidden or is_of(head, subject.cwd) is False:
        return None
    changed, size = facts.value
    return FoundConversation(head, path, int(changed), size)


def _in_database(profile: Profile, subject: AgentEnvironment, files: Files) -> Iterator[FoundConversation | Unknown]:
    query = profile.database.rows(subject)
    databases = files.find(query.pattern) if query else None
    if query is None or not isinstance(databases, Present):
        return
    for path in databases.value:
        match files.query(path, query.statement, query.parameters):
            case Unknown() as unknown:
                yield unknown
            case Present(rows):
                heads = (head for row in rows if (head := profile.database.read_row(row)))
                yield from (FoundConversation(head, path) for head in heads if not head.hidden)

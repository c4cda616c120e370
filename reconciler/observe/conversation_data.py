"""Everything that the CLIs have stored for the conversations of agents that are to be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.agents.storage import HEAD_BYTES
from reconciler.agents.subject import AgentEnvironment
from reconciler.kinds.agent.case import Case
from reconciler.kinds.agent.conversation import all_conversations
from reconciler.model.activity import LiveAgent
from reconciler.model.address import Address
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.snapshot import Snapshot
from reconciler.model.stored import ConversationData, Entry, Part
from reconciler.ports.world import Files

from .agent_view import Caller
from .agents import subject_of
from .stored import row_in_database


def with_conversation_data(snapshot: Snapshot, asked: Iterable[Case], files: Files, caller: Caller) -> Snapshot:
    """Add to the snapshot what is stored under each id that the agents have or had."""
    found: dict[Address, Mapping[str, Observed[ConversationData]]] = {}
    for case in asked:
        if case.profile is not None:
            subject = subject_of(case, snapshot, files, caller)
            ids = all_conversations(case, snapshot.agents.get(case.address, LiveAgent()))
            found[case.address] = {id_: _belongings(id_, case.profile, subject, files) for id_ in ids}
    return replace(snapshot, belongings=found)


def _belongings(
    conversation: str, profile: Profile, subject: AgentEnvironment, files: Files
) -> Observed[ConversationData]:
    artifacts = _artifacts(conversation, profile, subject, files)
    if isinstance(artifacts, Unknown):
        return artifacts
    if artifacts:
        return _with_parts(artifacts, profile, subject, files)
    match row_in_database(profile, subject, conversation, files):
        case Present(artifact):
            return Present(ConversationData(database=artifact.path))
        case other:
            return other


def _artifacts(
    conversation: str, profile: Profile, subject: AgentEnvironment, files: Files
) -> tuple[str, ...] | Unknown:
    """Every artifact of exactly this conversation: a file name may contain only the beginning of the id."""
    paths = _found(profile.storage.artifacts(subject, conversation), files)
    if isinstance(paths, Unknown):
        return paths
    mine: list[str] = []
    for path in paths:
        data = files.read(path, HEAD_BYTES)
        if not isinstance(data, Present):
            return data if isinstance(data, Unknown) else Unknown(f"{path} is a link without a target")
        head = profile.storage.read_head(path, data.value)
        if head is None or head.id == conversation:
            mine.append(path)
    return tuple(mine)


def _found(patterns: Sequence[str], files: Files) -> tuple[str, ...] | Unknown:
    paths: list[str] = []
    for pattern in patterns:
        match files.find(pattern):
            case Unknown() as unknown:
                return unknown
            case Present(found):
                paths += found
    return tuple(dict.fromkeys(paths))


def _with_parts(
    artifacts: tuple[str, ...], profile: Profile, subject: AgentEnvironment, files: Files
) -> Observed[ConversationData]:
    beside = _found([pattern for path in artifacts for pattern in profile.storage.belongs(path)], files)
    if isinstance(beside, Unknown):
        return beside
    parts: list[Part] = []
    for path in _outermost((*artifacts, *beside)):
        match files.tree(path):
            case Present(entries):
                parts.append(_part(path, entries, profile.storage.roots(subject), files))
            case Unknown() as unknown:
                return unknown
    return Present(ConversationData(artifacts, tuple(parts)))


def _outermost(paths: Sequence[str]) -> Iterator[str]:
    """The paths that are not inside another one of them."""
    return (path for path in paths if not any(path.startswith(f"{other}/") for other in paths))


def _part(path: str, entries: tuple[Entry, ...], roots: Sequence[str], files: Files) -> Part:
    """The part with its real path, and the root that contains it without a link in between; else without a root."""
    real = files.real(path)
    for root in roots:
        home = files.real(root)
        if path.startswith(f"{root}/") and real == home + path[len(root) :]:
            return Part(real, home, entries)
    return Part(path, "", entries)

"""Evidence that an agent took a prompt: what its CLI stores, and what it says that it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from msgspec import Struct

from reconciler.agents.jsonl import objects
from reconciler.agents.storage import Said
from reconciler.model.activity import Activity
from reconciler.model.delivery import Evidence
from reconciler.model.observed import Present, Unknown
from reconciler.observe.stored import FoundConversation, all_stored
from reconciler.ports.world import Files, World

from .agent_state import AgentState, Recipient

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.,:/-]{15,63}")  # nothing that JSON writes in another way
_BEGINNING = 1000


class Rows(Struct, frozen=True):
    """What users had said in a folder's conversations, by the ids of its rows, and which conversations there were.

    Only the agent's own `conversation`, and one that is new, can have the prompt.
    """

    to: Recipient
    conversation: str
    said: frozenset[str]
    others: frozenset[str]


class Words(Struct, frozen=True):
    """Words of a prompt that were in none of the conversation's files, which nobody can read further."""

    text: bytes
    patterns: tuple[str, ...]


class StorageBaseline(Struct, frozen=True):
    """How many bytes were stored of a conversation, by path, and the glob patterns for its paths.

    `sizes` is None where that could not be told: what is stored later then proves nothing. `wrapped` finds a
    prompt in what the CLI stores around it. `rows` is there for a CLI that keeps a database, `words` for one
    whose conversations are opaque.
    """

    patterns: tuple[str, ...]
    sizes: Mapping[str, int] | None
    wrapped: str = ""
    rows: Rows | None = None
    words: Words | None = None


def stored_before(text: str, seen: AgentState, to: Recipient, world: World) -> StorageBaseline:
    """What is stored now of the agent's conversation, so that only what comes later counts as the text."""
    conversation = seen.own.conversation or to.conversation
    patterns = to.profile.storage.artifacts(to.subject, conversation) if conversation else ()
    if to.profile.transcript.opaque:
        return StorageBaseline(patterns, None, words=_new_words(text, patterns, world.files))
    sizes = _sizes(patterns, world.files) if patterns else None
    return StorageBaseline(
        patterns, sizes, to.profile.transcript.wrapped, _rows_before(seen, to, conversation, world.files)
    )


def stored_since(text: str, since: int, seen: AgentState, to: Recipient, files: Files) -> StorageBaseline:
    """As `stored_before`, for an agent that began its conversation after `since` (Unix seconds): all of it counts."""
    conversation = seen.own.conversation or to.conversation
    patterns = to.profile.storage.artifacts(to.subject, conversation) if conversation else ()
    if to.profile.transcript.opaque:
        first = next(iter(_RUN.findall(text[:_BEGINNING])), "")
        return StorageBaseline(patterns, None, words=Words(first.encode(), patterns) if first and patterns else None)
    older = (each.head for each in all_stored(to.profile, to.subject, files) if isinstance(each, FoundConversation))
    others = frozenset(head.id for head in older if head.started < since and head.id != conversation)
    rows = Rows(to, conversation, frozenset(), others) if to.profile.database.keeps_rows else None
    return StorageBaseline(patterns, {}, to.profile.transcript.wrapped, rows)


def proof(text: str, seen: AgentState, before: StorageBaseline, files: Files) -> Evidence:
    """What proves that the agent took the text, when it was idle before Enter."""
    if is_stored(text, before, files):
        return Evidence.TRANSCRIPT
    return Evidence.CLI_STATE if seen.own.activity is Activity.BUSY else Evidence.NONE


def is_stored(text: str, before: StorageBaseline, files: Files) -> bool:
    """Whether just this text came into the conversation; white space does not count, CLIs change it."""
    if before.words:
        return _holds(before.words.text, before.words.patterns, files) is True
    wanted = "".join(text.split())
    said = chain(_in_files(before, files), _in_rows(before.rows, files) if before.rows else ())
    return any(wanted == "".join(_unwrapped(each, before.wrapped).split()) for each in said)


def _in_files(before: StorageBaseline, files: Files) -> Iterator[str]:
    """All texts that the conversation's files have got since."""
    if before.sizes is None:
        return
    for path in _paths(before.patterns, files) or ():
        match files.read(path, start=before.sizes.get(path, 0)):
            case Present(data):
                yield from _texts(list(objects(data)))


def _in_rows(rows: Rows, files: Files) -> Iterator[str]:
    """What a user has said since, where only the agent's own user can have."""
    for said in _said(rows.to, files) or ():
        is_own = said.conversation == rows.conversation or said.conversation not in rows.others
        if is_own and said.id not in rows.said:
            yield said.text


def _rows_before(seen: AgentState, to: Recipient, conversation: str, files: Files) -> Rows | None:
    """None for a CLI without a database, and where it cannot be asked.

    The title of the pane may name the conversation, when nothing else does.
    """
    said = _said(to, files)
    if said is None:
        return None
    stored = list(all_stored(to.profile, to.subject, files))
    if any(isinstance(each, Unknown) for each in stored):
        return None
    heads = [each.head for each in stored if isinstance(each, FoundConversation)]
    named = [head.id for head in heads if seen.pane and to.profile.binding.names(seen.pane.title, head)]
    own = conversation or (named[0] if len(named) == 1 else "")
    return Rows(to, own, frozenset(each.id for each in said), frozenset(head.id for head in heads))


def _said(to: Recipient, files: Files) -> list[Said] | None:
    """What users said last in the folder's conversations; none before there is a database."""
    query = to.profile.transcript.said(to.subject)
    if query is None:
        return None
    paths = _paths((query.pattern,), files)
    answers = [files.query(path, query.statement, query.parameters) for path in paths or ()]
    if paths is None or any(isinstance(answer, Unknown) for answer in answers):
        return None
    rows = (row for answer in answers if isinstance(answer, Present) for row in answer.value)
    return [said for row in rows if (said := to.profile.transcript.read_said(row))]


def _new_words(text: str, patterns: tuple[str, ...], files: Files) -> Words | None:
    """The first words that are not in the files yet; near the beginning, where a database does not divide a text."""
    runs = _RUN.findall(text[:_BEGINNING])
    new = (run.encode() for run in runs if patterns and _holds(run.encode(), patterns, files) is False)
    return next((Words(run, patterns) for run in new), None)


def _holds(words: bytes, patterns: tuple[str, ...], files: Files) -> bool | None:
    """Whether one of the files, or SQLite's log beside it, has the words in it; None where that cannot be told."""
    paths = _paths(patterns, files)
    if paths is None:
        return None
    found = [files.contains(each, words) for path in paths for each in (path, f"{path}-wal")]
    if any(isinstance(each, Unknown) for each in found):
        return None
    return any(each == Present(True) for each in found)


def _unwrapped(text: str, wrapped: str) -> str:
    found = re.fullmatch(wrapped, text, re.DOTALL) if wrapped else None
    return found[1] if found else text


def _sizes(patterns: tuple[str, ...], files: Files) -> dict[str, int] | None:
    paths = _paths(patterns, files)
    facts = {path: files.facts(path) for path in paths or ()}
    known = {path: fact.value[1] for path, fact in facts.items() if isinstance(fact, Present)}
    return known if paths is not None and len(known) == len(facts) else None


def _paths(patterns: tuple[str, ...], files: Files) -> tuple[str, ...] | None:
    found = [files.find(pattern) for pattern in patterns]
    if any(isinstance(each, Unknown) for each in found):
        return None
    return tuple(path for each in found if isinstance(each, Present) for path in each.value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)

"""Find evidence that an agent took a prompt: in what its CLI stores, and in what the CLI reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.jsonl import objects
from reconciler.agents.storage import StoredHead, UserMessage
from reconciler.model.activity import Activity
from reconciler.model.delivery import Evidence
from reconciler.model.observed import Present, Unknown
from reconciler.observe.stored import FoundConversation, all_stored
from reconciler.ports.world import Files, World

from .agent_state import AgentState, Recipient

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.,:/-]{15,63}")  # only characters that JSON does not escape
_BEGINNING = 1000


class Rows(Struct, frozen=True):
    """What a CLI's database had for a folder before the prompt.

    The prompt can only be in the agent's own conversation, or in a new one.
    """

    to: Recipient
    conversation: str
    """Id of the agent's own conversation; empty when unknown."""
    said: frozenset[str]
    """Ids of the rows with user messages."""
    others: frozenset[str]
    """Ids of the conversations that cannot have the prompt."""


class Words(Struct, frozen=True):
    """Some words of the prompt that no file of an opaque conversation had before, and where to look for them."""

    text: bytes
    patterns: tuple[str, ...]
    begins: Recipient | None = None
    """The agent, if it had no conversation yet: one that its CLI then names as its own is new as a whole."""


class OtherConversations(Struct, frozen=True):
    """The conversations that were stored before: what the CLI then names as its own, beside these, is new as a whole.

    Codex 0.144.5 shows a conversation that it began, by `/new`, only when that has its first prompt.
    """

    to: Recipient
    conversation: str
    """Id of the conversation that the agent had; empty when unknown."""
    paths: frozenset[str]


class StorageBaseline(Struct, frozen=True):
    """What was stored of a conversation before the prompt; only what is stored later can prove anything."""

    patterns: tuple[str, ...]
    """Glob patterns for the conversation's files."""
    sizes: Mapping[str, int] | None
    """Bytes of each file, by path. None when unknown: then nothing in the files counts as evidence."""
    wrapped: str = ""
    """A regular expression that finds the prompt in the text that the CLI stores around it; empty without such text."""
    rows: Rows | None = None
    """For a CLI that stores conversations in a database."""
    words: Words | None = None
    """For a CLI whose conversations are opaque."""
    others: OtherConversations | None = None
    """For a CLI whose processes show which conversation they have; None when it is unknown what was stored."""


def stored_before(text: str, state: AgentState, to: Recipient, world: World) -> StorageBaseline:
    """Return what is stored of the agent's conversation now, so that only later additions count as evidence."""
    conversation = state.own.conversation or to.conversation
    patterns = to.profile.storage.artifacts(to.subject, conversation) if conversation else ()
    if to.profile.transcript.opaque:
        words = _new_words(text, patterns, world.files) if conversation else _first_words(text, to)
        return StorageBaseline(patterns, None, words=words)
    sizes = _sizes(patterns, world.files) if patterns else None
    rows, others = _rows_before(state, to, conversation, world.files), _others(to, conversation, world.files)
    return StorageBaseline(patterns, sizes, to.profile.transcript.wrapped, rows, others=others)


def stored_since(text: str, since: int, state: AgentState, to: Recipient, files: Files) -> StorageBaseline:
    """Like `stored_before`, for a conversation that began after `since` (Unix seconds): all of it is evidence."""
    conversation = state.own.conversation or to.conversation
    patterns = to.profile.storage.artifacts(to.subject, conversation) if conversation else ()
    if to.profile.transcript.opaque:
        first = next(iter(_RUN.findall(text[:_BEGINNING])), "")
        return StorageBaseline(patterns, None, words=Words(first.encode(), patterns) if first and patterns else None)
    older = (each.head for each in all_stored(to.profile, to.subject, files) if isinstance(each, FoundConversation))
    others = frozenset(head.id for head in older if head.started < since and head.id != conversation)
    rows = Rows(to, conversation, frozenset(), others) if to.profile.database.keeps_rows else None
    return StorageBaseline(patterns, {}, to.profile.transcript.wrapped, rows)


def proof(text: str, state: AgentState, before: StorageBaseline, files: Files) -> Evidence:
    """The evidence that the agent took the text. It must have been idle before Enter was pressed."""
    if is_stored(text, before, files) or _is_elsewhere(text, before, state, files):
        return Evidence.TRANSCRIPT
    return Evidence.CLI_STATE if state.own.activity is Activity.BUSY else Evidence.NONE


def _is_elsewhere(text: str, before: StorageBaseline, state: AgentState, files: Files) -> bool:
    """Whether the agent has the text in another conversation than the one that it was known to have."""
    return (
        _begins_with(before, state, files)
        or _is_in_new(text, before, state, files)
        or _is_in_named(text, before, state, files)
    )


def is_stored(text: str, before: StorageBaseline, files: Files) -> bool:
    """Whether exactly this text was added to the conversation. White space is ignored, because CLIs change it."""
    if before.words:
        return _holds(before.words.text, before.words.patterns, files) is True
    wanted = "".join(text.split())
    said = chain(_in_files(before, files), _in_rows(before.rows, files) if before.rows else ())
    return any(wanted == "".join(_unwrapped(each, before.wrapped).split()) for each in said)


def _in_files(before: StorageBaseline, files: Files) -> Iterator[str]:
    """All texts that were added to the conversation's files since."""
    if before.sizes is None:
        return
    for path in _paths(before.patterns, files) or ():
        match files.read(path, start=before.sizes.get(path, 0)):
            case Present(data):
                yield from _texts(list(objects(data)))


def _in_rows(rows: Rows, files: Files) -> Iterator[str]:
    """The user messages since, in conversations that can have the prompt."""
    for said in _said(rows.to, files) or ():
        is_own = said.conversation == rows.conversation or said.conversation not in rows.others
        if is_own and said.id not in rows.said:
            yield said.text


def _rows_before(state: AgentState, to: Recipient, conversation: str, files: Files) -> Rows | None:
    """The rows in the CLI's database now; None for a CLI without a database, or when it cannot be read.

    If nothing else names the agent's conversation, the title of its pane may.
    """
    said = _said(to, files)
    if said is None:
        return None
    stored = list(all_stored(to.profile, to.subject, files))
    if any(isinstance(each, Unknown) for each in stored):
        return None
    heads = [each.head for each in stored if isinstance(each, FoundConversation)]
    own = conversation or named_by_title(state, to, heads)
    return Rows(to, own, frozenset(each.id for each in said), frozenset(head.id for head in heads))


def named_by_title(state: AgentState, to: Recipient, heads: Iterable[StoredHead]) -> str:
    """The only one of these conversations that the title of the pane names; else empty."""
    named = [head.id for head in heads if state.pane and to.profile.binding.names(state.pane.title, head)]
    return named[0] if len(named) == 1 else ""


def _is_in_named(text: str, before: StorageBaseline, state: AgentState, files: Files) -> bool:
    """Whether the text was added to the conversation that the pane's title names by now.

    Kilo finds a title only when a conversation has its second prompt.
    """
    rows = before.rows
    if rows is None or not rows.to.profile.binding.titles_name:
        return False
    stored = all_stored(rows.to.profile, rows.to.subject, files)
    named = named_by_title(state, rows.to, [each.head for each in stored if isinstance(each, FoundConversation)])
    return bool(named) and is_stored(text, replace(before, rows=replace(rows, conversation=named)), files)


def _said(to: Recipient, files: Files) -> list[UserMessage] | None:
    """The latest user messages in the folder's conversations, empty without a database; None when it cannot be read."""
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
    """The first words of the prompt that are not in the files yet.

    Only the beginning is searched: a database may split a long text, and a split there is unlikely.
    """
    runs = _RUN.findall(text[:_BEGINNING])
    new = (run.encode() for run in runs if patterns and _holds(run.encode(), patterns, files) is False)
    return next((Words(run, patterns) for run in new), None)


def _first_words(text: str, to: Recipient) -> Words | None:
    run = next(iter(_RUN.findall(text[:_BEGINNING])), "")
    return Words(run.encode(), (), to) if run else None


def _begins_with(before: StorageBaseline, state: AgentState, files: Files) -> bool:
    """Whether the agent had no conversation before, and has the words in the one that its CLI now names."""
    words, conversation = before.words, state.own.conversation
    if words is None or words.begins is None or not conversation:
        return False
    to = words.begins
    return _holds(words.text, to.profile.storage.artifacts(to.subject, conversation), files) is True


def _others(to: Recipient, conversation: str, files: Files) -> OtherConversations | None:
    if not to.profile.binding.shows_in_processes:
        return None
    paths = _paths(to.profile.storage.stores(to.subject), files)
    return None if paths is None else OtherConversations(to, conversation, frozenset(paths))


def _is_in_new(text: str, before: StorageBaseline, state: AgentState, files: Files) -> bool:
    """Whether the text is in the conversation that the CLI now names, and that was not stored before."""
    others, conversation = before.others, state.own.conversation
    if others is None or conversation in {"", others.conversation}:
        return False
    patterns = others.to.profile.storage.artifacts(others.to.subject, conversation)
    if others.paths.intersection(_paths(patterns, files) or ()):
        return False
    return is_stored(text, StorageBaseline(patterns, {}, before.wrapped), files)


def _holds(words: bytes, patterns: tuple[str, ...], files: Files) -> bool | None:
    """Whether one of the files, or the SQLite log beside it, has the words; None when that is unknown."""
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

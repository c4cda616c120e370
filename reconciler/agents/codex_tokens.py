"""The tokens that Codex stores, as seen with version 0.169.0.

Older versions write the event `token_count` after an answer, sometimes again without a new answer, and with the counts
of the whole conversation. Newer ones also write a `token_usage_record` for each answer before it, so that the events
count only in files, and in the older parts of files, without records. A fork begins with the lines of the old
conversation, the line that names that one included.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.moment import unix
from reconciler.model.tokens import TokenReaderState, TokenRow

from .codex import config_root
from .subject import AgentEnvironment
from .token_store import Count, Damaged, Shape, TokenLines, TokenStore, no_owner, row_key

_HEAD = 400  # bytes: the type of a line stands near its beginning
_NOTHING = (0, 0, 0, 0)


class _CodexUsage(Struct):
    input_tokens: Count = 0
    cached_input_tokens: Count = 0
    cache_write_input_tokens: Count = 0
    output_tokens: Count = 0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The four numbers, for a comparison."""
        return self.input_tokens, self.cached_input_tokens, self.cache_write_input_tokens, self.output_tokens


class _CodexInfo(Struct):
    total_token_usage: _CodexUsage | None = None
    last_token_usage: _CodexUsage | None = None


class _CodexSpawn(Struct):
    parent_thread_id: str | None = None


class _CodexSubagent(Struct):
    thread_spawn: _CodexSpawn | None = None


class _CodexSource(Struct):
    subagent: _CodexSubagent | str | None = None


class _CodexPayload(Struct):
    type: str | None = None
    id: str | None = None
    source: _CodexSource | str | None = None
    model: str | None = None
    info: _CodexInfo | None = None
    usage: _CodexUsage | None = None
    session_id: str | None = None
    turn_id: str | None = None
    response_id: str | None = None


class _CodexLine(Struct):
    type: str
    payload: _CodexPayload
    timestamp: str = ""


_LINE = Shape(_CodexLine)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    root = glob.escape(config_root(subject))
    folders = (os.path.join(root, "sessions", "*", "*", "*"), os.path.join(root, "archived_sessions"))
    return tuple(os.path.join(folder, f"rollout-*.jsonl{end}") for folder in folders for end in ("", ".zst"))


def _unreadable(path: str) -> str | None:
    return "it is compressed" if path.endswith(".zst") else None


def _read(line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    found = _LINE.read(line)
    payload = found.payload
    match found.type:
        case "session_meta":
            return (), _named(payload, carried)
        case "turn_context":
            return (), replace(carried, model=payload.model or carried.model)
        case "token_usage_record":
            return _recorded(found, carried), replace(carried, exact=True)
        case "event_msg" if payload.type == "token_count" and not carried.exact:
            return _counted(found, carried)
        case _:
            return (), carried


def _named(payload: _CodexPayload, carried: TokenReaderState) -> TokenReaderState:
    """The first such line is the file's own; a later one is that of the conversation that it was forked from.

    What a subagent used belongs to the conversation that began it.
    """
    source = payload.source.subagent if isinstance(payload.source, _CodexSource) else None
    spawn = source.thread_spawn if isinstance(source, _CodexSubagent) else None
    parent = (spawn.parent_thread_id or "") if spawn else ""
    own = parent or payload.id or ""
    return replace(carried, origin=payload.id or "", conversation=carried.conversation or own)


def _recorded(found: _CodexLine, carried: TokenReaderState) -> Sequence[TokenRow]:
    payload = found.payload
    if payload.usage is None:
        raise Damaged("a record without usage")
    key = row_key(payload.turn_id or "", payload.response_id or found.timestamp)
    return (_row(found, payload.usage, key, carried),)


def _counted(found: _CodexLine, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    """A count whose totals are those of the one before it is the same one, told again."""
    info = found.payload.info
    if info is None or info.total_token_usage is None:
        return (), carried
    total, before = info.total_token_usage.counts, carried.counts.get("", _NOTHING)
    if total == before:
        return (), carried
    usage = info.last_token_usage or _CodexUsage(*(max(0, new - old) for new, old in zip(total, before, strict=True)))
    key = row_key(carried.origin, *map(str, total))
    return (_row(found, usage, key, carried),), replace(carried, counts={"": total})


def _row(found: _CodexLine, usage: _CodexUsage, key: int, carried: TokenReaderState) -> TokenRow:
    read, written = usage.cached_input_tokens, usage.cache_write_input_tokens
    return TokenRow(
        key=key,
        at=int(unix(found.timestamp) or 0),
        model=carried.model,
        input=max(0, usage.input_tokens - read - written),
        output=usage.output_tokens,
        cache_read=read,
        cache_write=written,
        conversation=carried.conversation,
    )


TOKENS = TokenStore(
    lines=TokenLines(
        files=_files,
        owner=no_owner,
        marks=(b'"token_usage_record"', b'"token_count"', b'"turn_context"', b'"session_meta"'),
        head=_HEAD,
        read=_read,
        unreadable=_unreadable,
    ),
    provider="openai",
)

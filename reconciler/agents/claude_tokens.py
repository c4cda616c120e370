"""The tokens that Claude Code stores, as seen with version 2.1.330.

Every line of an answer repeats its usage, which grows while the answer is written: lines with the same message and
request are one answer. A resumed or forked conversation copies earlier lines. Subagents have files in a folder that is
named after the conversation; of older versions, files beside it.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Sequence

from msgspec import Struct

from reconciler.model.moment import unix
from reconciler.model.tokens import TokenReaderState, TokenRow

from .claude import config_root
from .keys import UUID
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenLines, TokenStore, row_key

_DEEPEST = 4  # folders below that of a workspace
_OWNER = re.compile(rf".*/projects/[^/]+/({UUID})(?:\.jsonl|/.*)")


class _ClaudeWritten(Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _ClaudeUsage(Struct):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _ClaudeWritten | None = None


class _ClaudeMessage(Struct):
    usage: _ClaudeUsage | None = None
    id: str | None = None
    model: str | None = None


class _ClaudeLine(Struct):
    message: _ClaudeMessage | str | None = None
    timestamp: str = ""
    requestId: str | None = None  # noqa: N815 - the name in the file
    sessionId: str | None = None  # noqa: N815
    uuid: str | None = None


_LINE = Shape(_ClaudeLine)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    projects = os.path.join(glob.escape(config_root(subject)), "projects")
    return tuple(os.path.join(projects, *["*"] * depth, "*.jsonl") for depth in range(1, _DEEPEST + 1))


def _owner(path: str) -> str:
    found = _OWNER.fullmatch(path)
    return found[1] if found else ""


def _read(line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    found = _LINE.read(line)
    message = found.message
    if not isinstance(message, _ClaudeMessage) or message.usage is None:
        return (), carried
    usage = message.usage
    asked = (found.requestId or "",) if message.id else ()
    written = usage.cache_creation or _ClaudeWritten()
    parts = (written.ephemeral_5m_input_tokens or 0) + (written.ephemeral_1h_input_tokens or 0)
    row = TokenRow(
        key=row_key(message.id or found.uuid or line[:512].decode(errors="replace"), *asked),
        at=int(unix(found.timestamp) or 0),
        model=message.model or "",
        input=usage.input_tokens or 0,
        output=usage.output_tokens or 0,
        cache_read=usage.cache_read_input_tokens or 0,
        cache_write=max(usage.cache_creation_input_tokens or 0, parts),
        cache_write_1h=written.ephemeral_1h_input_tokens or 0,
        conversation=found.sessionId or "",
    )
    return ((row,) if row.total else ()), carried


TOKENS = TokenStore(lines=TokenLines(files=_files, owner=_owner, marks=(b'"usage"',), read=_read), provider="anthropic")

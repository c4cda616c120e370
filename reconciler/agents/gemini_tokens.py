"""The tokens that Gemini CLI stores, as seen with version 0.61.0.

An answer is written again, with its id, as it grows: its last line counts. The first line names the conversation. A
subagent has a file in a folder that is named after the conversation.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.moment import unix
from reconciler.model.tokens import TokenReaderState, TokenRow

from .gemini import PROFILE
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenLines, TokenStore, row_key

_OF_SUBAGENT = re.compile(r".*/chats/([^/]+)/[^/]+")


class _GeminiTokens(Struct):
    input: Count = 0
    output: Count = 0
    cached: Count = 0
    thoughts: Count = 0
    tool: Count = 0


class _GeminiLine(Struct):
    type: str = ""
    id: str = ""
    sessionId: str = ""  # noqa: N815 - the name in the file
    timestamp: str = ""
    model: str | None = None
    tokens: _GeminiTokens | None = None


_LINE = Shape(_GeminiLine)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    chats = os.path.join(glob.escape(PROFILE.storage.roots(subject)[0]), "tmp", "*", "chats")
    return (os.path.join(chats, "*.jsonl"), os.path.join(chats, "*", "*.jsonl"))


def _owner(path: str) -> str:
    """The conversation that a subagent's file belongs to; the others name theirs inside."""
    found = _OF_SUBAGENT.fullmatch(path)
    return found[1] if found else ""


def _read(line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    found = _LINE.read(line)
    if found.sessionId:
        return (), replace(carried, conversation=found.sessionId)
    tokens = found.tokens
    if tokens is None:
        return (), carried
    row = TokenRow(
        key=row_key(found.id),
        at=int(unix(found.timestamp) or 0),
        model=found.model or "",
        input=max(0, tokens.input - tokens.cached) + tokens.tool,
        output=tokens.output + tokens.thoughts,
        cache_read=tokens.cached,
        conversation=carried.conversation,
    )
    return (row,), carried


TOKENS = TokenStore(
    lines=TokenLines(files=_files, owner=_owner, marks=(b'"tokens"', b'"sessionId"'), read=_read, last=True),
    provider="google",
)

"""The tokens that Qwen Code stores, as seen with version 0.24.4.

The answers in a conversation have their usage beside them. What its subagents and its memory used is only in the
telemetry lines of the same file, which also repeat the other answers.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Sequence

from msgspec import Struct, field

from reconciler.model.moment import unix
from reconciler.model.tokens import TokenReaderState, TokenRow

from .qwen import PROFILE
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenLines, TokenStore, row_key


class _QwenUsage(Struct, rename="camel"):
    prompt_token_count: Count = 0
    candidates_token_count: Count = 0
    cached_content_token_count: Count = 0
    thoughts_token_count: Count = 0
    total_token_count: Count = 0


class _QwenEvent(Struct):
    model: str | None = None
    subagent_name: str | None = None
    input_token_count: Count = 0
    output_token_count: Count = 0
    cached_content_token_count: Count = 0


class _QwenPayload(Struct):
    event: _QwenEvent | None = field(default=None, name="uiEvent")


class _QwenLine(Struct, rename="camel"):
    uuid: str = ""
    type: str = ""
    timestamp: str = ""
    model: str | None = None
    usage_metadata: _QwenUsage | None = None
    system_payload: _QwenPayload | None = None


_LINE = Shape(_QwenLine)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    return (os.path.join(glob.escape(PROFILE.storage.roots(subject)[0]), "projects", "*", "chats", "*.jsonl"),)


def _owner(path: str) -> str:
    return os.path.basename(path).removesuffix(".jsonl")


def _read(line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    found = _LINE.read(line)
    if found.type == "assistant" and found.usage_metadata:
        return (_row(found, found.model, *_counts(found.usage_metadata)),), carried
    event = found.system_payload.event if found.system_payload else None
    if event is None or not event.subagent_name:
        return (), carried
    counts = event.input_token_count, event.output_token_count, event.cached_content_token_count
    return (_row(found, event.model, *counts),), carried


def _counts(usage: _QwenUsage) -> tuple[int, int, int]:
    """Input, output and what was cached of the input. Some providers count thoughts beside the output."""
    asked, said, thought = usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count
    beside = thought if usage.total_token_count == asked + said + thought else 0
    return asked, said + beside, usage.cached_content_token_count


def _row(found: _QwenLine, model: str | None, asked: int, said: int, cached: int) -> TokenRow:
    return TokenRow(
        key=row_key(found.uuid),
        at=int(unix(found.timestamp) or 0),
        model=model or "",
        input=max(0, asked - cached),
        output=said,
        cache_read=cached,
    )


TOKENS = TokenStore(
    lines=TokenLines(files=_files, owner=_owner, marks=(b'"usageMetadata"', b'"subagent_name"'), read=_read)
)

"""The tokens that pi stores, as seen with versions 0.76.0 and 1.6.0: beside each answer, with what it cost.

Other lines have their usage, too: tools that asked a model, summaries, and `usage` lines (its session-format.md). A
cloned or forked conversation copies earlier lines with their ids and times. pi has no subagents of its own; those of
its extensions count as far as their tools report them. A cost of 0 says nothing: that is also stored for models whose
price is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from reconciler.model.moment import unix
from reconciler.model.tokens import TokenReaderState, TokenRow

from .pi import stored_at
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenLines, TokenStore, no_owner, row_key


class _PiCost(Struct):
    total: Annotated[float, Meta(ge=0)] | None = None


class _PiUsage(Struct, rename="camel"):
    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_write: Count = 0
    cost: _PiCost | None = None


class _PiMessage(Struct):
    model: str | None = None
    usage: _PiUsage | None = None


class _PiLine(Struct):
    type: str = ""
    id: str = ""
    timestamp: str = ""
    model: str | None = None
    message: _PiMessage | None = None
    usage: _PiUsage | None = None


_LINE = Shape(_PiLine)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    return (stored_at(subject, "*", "*.jsonl"),)


def _read(line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    found = _LINE.read(line)
    if found.type == "session":
        return (), replace(carried, conversation=carried.conversation or found.id)
    message = found.message or _PiMessage()
    usage = found.usage or message.usage
    if usage is None:
        return (), carried
    model = message.model or found.model or carried.model
    row = TokenRow(
        key=row_key(found.id, found.timestamp),
        at=int(unix(found.timestamp) or 0),
        model=model,
        input=usage.input,
        output=usage.output,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        usd=(usage.cost.total if usage.cost else None) or None,
        conversation=carried.conversation,
    )
    return ((row,) if row.total else ()), replace(carried, model=model)


TOKENS = TokenStore(lines=TokenLines(files=_files, owner=no_owner, marks=(b'"usage"', b'"type":"session"'), read=_read))

"""The tokens that Cline stores, as seen with version 3.0.65: beside each answer, without what it cost.

Its sums of costs are 0 for models whose price it does not know, and are not stored for each answer. Cached input is a
part of the input. Its subagents have conversations of their own.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Sequence

from msgspec import Struct, field

from reconciler.model.tokens import TokenRow

from .cline import sessions
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenDocuments, TokenStore, row_key

_ENDING = ".messages.json"


class _ClineMetrics(Struct, rename="camel"):
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0


class _ClineModel(Struct):
    id: str = ""


class _ClineMessage(Struct):
    id: str = ""
    ts: Count = 0
    metrics: _ClineMetrics | None = None
    model: _ClineModel | None = field(default=None, name="modelInfo")


class _ClineMessages(Struct):
    messages: tuple[_ClineMessage, ...] = ()


_DOCUMENT = Shape(_ClineMessages)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    return (os.path.join(glob.escape(sessions(subject)), "*", f"*{_ENDING}"),)


def _owner(path: str) -> str:
    return os.path.basename(path).removesuffix(_ENDING)


def _read(content: bytes) -> Sequence[TokenRow]:
    answers = _DOCUMENT.read(content).messages
    return [_row(each, each.metrics) for each in answers if each.metrics]


def _row(found: _ClineMessage, used: _ClineMetrics) -> TokenRow:
    cached = used.cache_read_tokens + used.cache_write_tokens
    return TokenRow(
        key=row_key(found.id, str(found.ts)),
        at=found.ts // 1000,
        model=found.model.id if found.model else "",
        input=max(0, used.input_tokens - cached),
        output=used.output_tokens,
        cache_read=used.cache_read_tokens,
        cache_write=used.cache_write_tokens,
    )


TOKENS = TokenStore(documents=TokenDocuments(files=_files, owner=_owner, read=_read))

"""The tokens that GitHub Copilot CLI stores, as seen with versions 1.0.68 and 1.0.102.

1.0.102 writes a `session.usage_record` for each answer. 1.0.68 writes only the output beside an answer, and at its end
what the whole conversation used so far, resumed parts included.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.moment import unix
from reconciler.model.tokens import TokenReaderState, TokenRow

from .copilot import PROFILE
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenLines, TokenStore, row_key

_HEAD = 64  # bytes: a line begins with its type
_NOTHING = (0, 0, 0, 0)


class _CopilotUsage(Struct, rename="camel"):
    model: str | None = None
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0


class _CopilotMetrics(Struct):
    usage: _CopilotUsage | None = None


class _CopilotData(Struct, rename="camel"):
    usage: _CopilotUsage | None = None
    model: str | None = None
    output_tokens: Count | None = None
    model_metrics: dict[str, _CopilotMetrics] | None = None


class _CopilotLine(Struct):
    type: str
    data: _CopilotData
    id: str = ""
    timestamp: str = ""


_LINE = Shape(_CopilotLine)


def _files(subject: AgentEnvironment) -> tuple[str, ...]:
    return (os.path.join(glob.escape(PROFILE.storage.roots(subject)[0]), "session-state", "*", "events.jsonl"),)


def _owner(path: str) -> str:
    return os.path.basename(os.path.dirname(path))


def _read(line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
    found = _LINE.read(line)
    data = found.data
    match found.type:
        case "session.usage_record" if data.usage:
            row = _row(found, data.usage.model or "", _counts(data.usage))
            return (row,), replace(carried, exact=True, is_open=False)
        case "assistant.message" if data.output_tokens and not carried.exact:
            return _answered(found, data.model or "", data.output_tokens, carried)
        case "session.shutdown" if data.model_metrics and not carried.exact:
            return _ended(found, data.model_metrics, carried)
        case _:
            return (), carried


def _answered(
    found: _CopilotLine, model: str, output: int, carried: TokenReaderState
) -> tuple[Sequence[TokenRow], TokenReaderState]:
    """The output of an answer, while its input is not known."""
    asked, said, read, written = carried.counts.get(model, _NOTHING)
    counts = {**carried.counts, model: (asked, said + output, read, written)}
    return (_row(found, model, (0, output, 0, 0)),), replace(carried, counts=counts, is_open=True)


def _ended(
    found: _CopilotLine, metrics: Mapping[str, _CopilotMetrics], carried: TokenReaderState
) -> tuple[Sequence[TokenRow], TokenReaderState]:
    """What the conversation used in all, less what was counted before."""
    totals = {model: _counts(each.usage) for model, each in metrics.items() if each.usage}
    rows = [
        _row(found, model, _less(total, carried.counts.get(model, _NOTHING)), model) for model, total in totals.items()
    ]
    counted = replace(carried, counts={**carried.counts, **totals}, is_open=False)
    return [row for row in rows if row.total], counted


def _less(total: tuple[int, int, int, int], before: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    asked, said, read, written = (max(0, new - old) for new, old in zip(total, before, strict=True))
    return asked, said, read, written


def _counts(usage: _CopilotUsage) -> tuple[int, int, int, int]:
    """Input without what a cache held, output, and what was read from the cache and written into it."""
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    return max(0, usage.input_tokens - read - written), usage.output_tokens, read, written


def _row(found: _CopilotLine, model: str, counts: tuple[int, int, int, int], part: str = "") -> TokenRow:
    asked, said, read, written = counts
    return TokenRow(
        key=row_key(found.id, part),
        at=int(unix(found.timestamp) or 0),
        model=model,
        input=asked,
        output=said,
        cache_read=read,
        cache_write=written,
    )


TOKENS = TokenStore(
    lines=TokenLines(
        files=_files,
        owner=_owner,
        marks=(b'"session.usage_record"', b'"assistant.message"', b'"session.shutdown"'),
        head=_HEAD,
        read=_read,
    ),
    open_note="stores the input of an open conversation only when it ends: until then, its output alone is counted",
)

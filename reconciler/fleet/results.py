"""Turn the lines of the callback into one result for each host. Pure: a line may be anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from reconciler.model.exit_code import ExitCode

from .hosts import HostOutcome, HostResult

LARGEST = 8 << 20  # bytes of one line
_BY_CODE: dict[int, HostOutcome] = {
    ExitCode.STALE: HostOutcome.STALE,
    ExitCode.LOCKED: HostOutcome.LOCKED,
    ExitCode.REFUSED: HostOutcome.REFUSED,
}
_COUNTED = ("add", "change", "destroy", "import", "forget", "deferred")


class _Line(Struct):
    """One line of the callback."""

    host: str
    event: str
    exit_code: int | None = None
    said: str = ""
    msg: str = ""
    changed: bool = False
    unknown: bool = False
    document: msgspec.Raw = field(default_factory=msgspec.Raw)


class _PlanHead(Struct):
    """What the merged view needs of a plan or a drift."""

    format_version: str
    digest: str = ""
    shape: str = ""
    summary: dict[str, int] | None = None
    drifts: list[Any] | None = None
    resource_changes: list[Any] | None = None


_LINES = msgspec.json.Decoder(_Line)
_HEADS = msgspec.json.Decoder(_PlanHead)


class RunLines(Struct, frozen=True):
    """What the lines of one run say: the results of hosts that ended, and the hosts that began."""

    results: Mapping[str, HostResult]
    begun: frozenset[str]


def read_lines(lines: Iterable[bytes]) -> RunLines:
    """Read the lines of one run. The last line of a host counts; lines that cannot be read are left out."""
    results: dict[str, HostResult] = {}
    begun: set[str] = set()
    for text in lines:
        line = _line(text)
        if line is None:
            continue
        begun.add(line.host)
        if line.event != "begun":
            results[line.host] = _result(line)
    return RunLines(results, frozenset(begun))


# What ssh says of a connection that was never made, so that nothing was begun.
_NEVER_MADE = re.compile("connect to host|resolve hostname|ermission denied|verification failed|banner exchange|kex_ex")


def lost(result: HostResult) -> HostResult:
    """The result of something that changes a host: a connection that was lost in the middle tells nothing."""
    if result.outcome is not HostOutcome.UNREACHABLE or _NEVER_MADE.search(result.said):
        return result
    return HostResult(result.host, HostOutcome.UNKNOWN, said=f"the connection was lost: {result.said}")


def with_unknown(hosts: Sequence[str], told: RunLines) -> list[HostResult]:
    """The result of each of these hosts; one that told nothing is unknown."""
    silent = "nothing was heard of it"
    return [told.results.get(host) or HostResult(host, HostOutcome.UNKNOWN, said=silent) for host in hosts]


def _line(text: bytes) -> _Line | None:
    if len(text) > LARGEST:
        return None
    try:
        return _LINES.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _result(line: _Line) -> HostResult:
    if line.event == "unreachable":
        return HostResult(line.host, HostOutcome.UNREACHABLE, said=line.msg)
    if line.unknown or line.exit_code is None:
        why = "; ".join(filter(None, (line.msg, line.said.partition("\n")[0])))
        return HostResult(line.host, HostOutcome.UNKNOWN, line.exit_code, why, line.changed)
    head = _head(line.document)
    outcome = HostOutcome.OK if line.event == "ok" else _BY_CODE.get(line.exit_code, HostOutcome.FAILED)
    if outcome is HostOutcome.OK and head is None:
        return HostResult(line.host, HostOutcome.UNKNOWN, line.exit_code, "its document cannot be read", line.changed)
    return HostResult(
        host=line.host,
        outcome=outcome,
        exit_code=line.exit_code,
        said=line.said if outcome is HostOutcome.OK else line.msg or line.said,
        changed=line.changed,
        digest=head.digest if head else "",
        shape=head.shape if head else "",
        summary=_summary(head) if head else {},
        document=line.document if head else msgspec.Raw(),
    )


def _head(document: msgspec.Raw) -> _PlanHead | None:
    try:
        return _HEADS.decode(document) if bytes(document) else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _summary(head: _PlanHead) -> dict[str, int]:
    if head.drifts is not None:
        return {"drifts": len(head.drifts), "changes": len(head.resource_changes or ())}
    return {name: count for name, count in (head.summary or {}).items() if name in _COUNTED}

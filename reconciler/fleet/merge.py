"""One view of many hosts: those that would do the same are one group. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from reconciler.render.documents import FORMAT_VERSION

from .hosts import HostOutcome, HostResult

if TYPE_CHECKING:
    from reconciler.render.documents.fleet import FleetDoc, FleetGroupDoc, FleetHostDoc

_ORDER = tuple(HostOutcome)


class HostGroup(Struct, frozen=True):
    """Hosts with the same outcome, and of those that are ok, with the same work; by name."""

    outcome: HostOutcome
    results: Sequence[HostResult]

    @property
    def first(self) -> HostResult:
        """The host whose document is shown."""
        return self.results[0]

    @property
    def names(self) -> list[str]:
        """Its hosts."""
        return [each.host for each in self.results]


def groups(results: Iterable[HostResult]) -> list[HostGroup]:
    """The groups: first the hosts that are ok, the biggest group first, then one group for each other outcome."""
    alike: dict[tuple[HostOutcome, str], list[HostResult]] = defaultdict(list)
    for each in results:
        alike[each.outcome, _likeness(each)].append(each)
    found = [HostGroup(outcome, sorted(same, key=_name)) for (outcome, _), same in alike.items()]
    return sorted(found, key=_place)


def _likeness(result: HostResult) -> str:
    """What makes two hosts alike; a document without a shape is like no other one."""
    if not result.is_fine:
        return ""
    return result.shape or f"{result.host} alone"


def _name(result: HostResult) -> str:
    return result.host


def _place(group: HostGroup) -> tuple[int, int, str]:
    return _ORDER.index(group.outcome), -len(group.results), group.first.host


def fleet_document(results: Sequence[HostResult], not_begun: Sequence[str] = ()) -> FleetDoc:
    """The document of `fleet plan --json` and of the others."""
    return {
        "format_version": FORMAT_VERSION,
        "groups": [_group(each) for each in groups(results)],
        "hosts": [_host(each) for each in sorted(results, key=_name)],
        "not_begun": list(not_begun),
    }


def _group(group: HostGroup) -> FleetGroupDoc:
    fine = group.outcome is HostOutcome.OK
    return {
        "outcome": group.outcome.value,
        "shape": group.first.shape if fine else "",
        "hosts": group.names,
        "summary": dict(group.first.summary) if fine else {},
        "document_of": group.first.host if fine else "",
    }


def _host(result: HostResult) -> FleetHostDoc:
    return {
        "host": result.host,
        "outcome": result.outcome.value,
        "exit_code": result.exit_code,
        "digest": result.digest,
        "shape": result.shape,
        "changed": result.changed,
        "document": decoded_document(result),
        "said": result.said,
    }


def decoded_document(result: HostResult) -> dict[str, Any] | None:
    """The host's document; None if there is none."""
    return msgspec.json.decode(result.document, type=dict[str, Any]) if bytes(result.document) else None

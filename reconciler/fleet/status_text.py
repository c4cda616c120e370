"""The status of many hosts: the document, and one line for each agent with its host first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.status import age
from reconciler.render.table import table

from .over_ssh import HostStatus

if TYPE_CHECKING:
    from reconciler.render.documents.fleet_status import FleetStatusDoc

_COLUMNS = ("HOST", "AGENT", "STATUS", "LIVE", "STATE", "AGE", "NOTE")
_SHOWN = ("address", "status", "live", "state")


def fleet_status_document(found: Sequence[HostStatus]) -> FleetStatusDoc:
    """The document of `fleet status --json`."""
    hosts = [
        {
            "host": each.host,
            "outcome": each.outcome.value,
            "exit_code": each.exit_code,
            "said": each.said,
            "document": each.document,
        }
        for each in found
    ]
    return {"format_version": FORMAT_VERSION, "hosts": hosts}  # type: ignore[typeddict-item] # the same keys


def fleet_status_text(found: Sequence[HostStatus], now: datetime) -> Iterator[str]:
    """One line for each agent; one for a host without agents, or that does not answer."""
    yield from table([_COLUMNS, *(row for each in found for row in _rows(each, now))])


def _rows(status: HostStatus, now: datetime) -> Iterator[tuple[str, ...]]:
    if status.document is None:
        took = f" ({status.seconds:.0f} s)" if status.outcome == "unreachable" else ""
        yield (status.host, f"{status.outcome.value}{took}", *("-" * 4), status.said)
        return
    listed = status.document.get("agents")
    agents = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if status.said or not agents:
        yield (status.host, "no agents" if not status.said else status.outcome.value, *("-" * 4), status.said)
    yield from (_cells(status.host, each, now) for each in agents)


def _cells(host: str, agent: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """The cells of one agent; a host may leave out anything."""
    address, *rest = (str(agent.get(key) or "-") for key in _SHOWN)
    since = agent.get("since")
    return (
        host,
        address.partition(".")[2] or address,
        *rest,
        age(since if isinstance(since, str) else None, now),
        str(agent.get("note") or ""),
    )

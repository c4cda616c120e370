"""`schemas/fleet.schema.json`: the document of `fleet plan`, `fleet apply` and `fleet drift` with `--json`."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class FleetGroupDoc(TypedDict):
    """Hosts that would do the same; or those with one other outcome."""

    outcome: str
    shape: str
    """The `shape` of each plan or drift in it; empty for another outcome than `ok`."""
    hosts: list[str]
    summary: dict[str, int]
    """The counts of the plan; of a drift: `drifts` and `changes`."""
    document_of: str
    """The host whose document stands for all of them; empty if there is none."""


class FleetHostDoc(TypedDict):
    """One host."""

    host: str
    outcome: str
    """`ok`, `failed`, `stale`, `refused`, `locked`, `unreachable` or `unknown`: nothing tells what was done."""
    exit_code: int | None
    """The exit code of reconciler on the host; null if there is none."""
    digest: str
    shape: str
    changed: bool
    """Whether an apply did something, or a plan would."""
    document: dict[str, Any] | None
    """Its plan, or its drift; null if there is none."""
    said: str
    """Why it is not ok; else what the command printed beside the document."""


class FleetDoc(TypedDict):
    """The merged view of all hosts."""

    format_version: str
    groups: list[FleetGroupDoc]
    """First hosts that are ok, the biggest group first."""
    hosts: list[FleetHostDoc]
    not_begun: list[str]
    """Hosts on which an apply was not begun, because it was stopped or a batch before them failed."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(FleetDoc, title="reconciler fleet", identifier="fleet.schema.json")

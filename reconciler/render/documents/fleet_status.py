"""`schemas/fleet-status.schema.json`: the document of `fleet status --json`."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class HostStatusDoc(TypedDict):
    """One host. The agents of a host that gave no document are unknown, never gone."""

    host: str
    outcome: str
    """`ok`, `failed`, `refused`, `unreachable` or `unknown`."""
    exit_code: int | None
    said: str
    """Why it is not ok; else empty."""
    document: dict[str, Any] | None
    """Its `status --json`; null if it gave none."""


class FleetStatusDoc(TypedDict):
    """The agents of all hosts."""

    format_version: str
    hosts: list[HostStatusDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(FleetStatusDoc, title="reconciler fleet status", identifier="fleet-status.schema.json")

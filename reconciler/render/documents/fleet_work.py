"""`schemas/fleet-work.schema.json`: the document of `fleet push` and `fleet install` with `--json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class HostWorkDoc(TypedDict):
    """What was done on one host."""

    host: str
    outcome: str
    """`ok`, `failed`, `refused`, `locked`, `unreachable` or `unknown`: nothing tells what was done."""
    exit_code: int | None
    """The exit code of reconciler on the host; null if there is none."""
    changed: bool
    said: str
    """Why it is not ok; else empty."""
    written: list[str]
    """The files that were written, as paths from the project folder; empty for `fleet install`."""
    deleted: list[str]


class FleetWorkDoc(TypedDict):
    """What was done on all hosts."""

    format_version: str
    hosts: list[HostWorkDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(FleetWorkDoc, title="reconciler fleet push and install", identifier="fleet-work.schema.json")

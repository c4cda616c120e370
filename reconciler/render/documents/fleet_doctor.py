"""`schemas/fleet-doctor.schema.json`: the document of `fleet doctor --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class HostCheckDoc(TypedDict):
    """One check of one host."""

    check: str
    """`reachable`, `login`, `python`, `tmux`, `git`, `reconciler`, `path`, `project` or `broker`."""
    level: str
    """`ok`, `note`, `warning`, `error`, or `unknown`: it could not be looked at."""
    summary: str
    fix: str
    """What to do; empty if nothing has to be done."""


class HostCheckupDoc(TypedDict):
    """All checks of one host."""

    host: str
    outcome: str
    """`ok`, `failed`: a check is an error, `unreachable` or `unknown`."""
    path: str
    """The PATH that its agents get: that of a login shell. Empty if it is not known."""
    checks: list[HostCheckDoc]


class FleetDoctorDoc(TypedDict):
    """The checkups of all hosts."""

    format_version: str
    hosts: list[HostCheckupDoc]


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(FleetDoctorDoc, title="reconciler fleet doctor", identifier="fleet-doctor.schema.json")

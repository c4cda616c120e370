"""`schemas/doctor.schema.json`: the document of `doctor --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.checkup import CheckName, Cure, Level
from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class CheckDoc(TypedDict):
    """What one check found."""

    check: CheckName
    """The part before the dot is the group."""
    level: Level
    """`unknown`: it could not be looked at, so it does not count as fine."""
    summary: str
    detail: str
    fix: str
    """What to type; empty if nothing has to be done."""
    mendable: bool
    """Whether `doctor --fix` does something about it."""


class MendedDoc(TypedDict):
    """What `--fix` did, or could not do."""

    cure: Cure
    summary: str
    done: bool
    detail: str
    """Why it could not be done; else empty."""
    exit_code: int
    """The exit code of that error; 0 if it was done."""


class LevelsDoc(TypedDict):
    """How many results there are of each level."""

    ok: int
    note: int
    warning: int
    error: int
    unknown: int


class DoctorDoc(TypedDict):
    """Everything that was checked on this machine; after `--fix`, as it is then."""

    format_version: str
    tool_version: str
    healthy: bool
    """True without errors and with everything looked at; warnings are allowed."""
    exit_code: int
    summary: LevelsDoc
    checks: list[CheckDoc]
    mended: list[MendedDoc]
    """Empty without `--fix`."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DoctorDoc, title="reconciler doctor", identifier="doctor.schema.json")

"""`schemas/broker-verify.schema.json`: the document of `broker verify --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc, documented


@documented
class ProbeDoc(TypedDict):
    """One thing that was tried on a broker."""

    id: str
    """Stable."""
    subject: str
    """The user, file or port that it is about; empty when there is one of its kind."""
    verdict: Literal["pass", "fail", "warning", "skipped"]
    expected: str
    observed: str
    """What was seen; for a skipped probe, why it was not tried."""
    fix: str
    """Empty unless it failed, or warns."""
    seconds: float


@documented
class ProofDoc(TypedDict):
    """What came of proving a broker."""

    format_version: str
    address: str | None
    """Null when it was found by the environment."""
    passed: bool
    """True when no probe failed, and all could be made."""
    summary: dict[str, int]
    """How many probes of each verdict."""
    probes: list[ProbeDoc]
    """In the order in which they were made."""
    diagnostics: list[DiagnosticDoc]
    """What kept the proof from being finished."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ProofDoc, title="reconciler broker verify", identifier="broker-verify.schema.json")

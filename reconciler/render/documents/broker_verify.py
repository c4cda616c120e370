"""`schemas/broker-verify.schema.json`: the document of `broker verify --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .common import DiagnosticDoc


class ProbeDoc(TypedDict):
    """One check that was made on a broker."""

    id: str
    """Stable."""
    subject: str
    """The user, file or port that it is about; empty if the probe is made only once."""
    verdict: Literal["pass", "fail", "warning", "skipped"]
    expected: str
    observed: str
    """What was observed; for a skipped probe, why it was skipped."""
    fix: str
    """What to do; empty unless the probe failed or warns."""
    seconds: float


class ProofDoc(TypedDict):
    """The result of testing a broker."""

    format_version: str
    address: str | None
    """Null if the broker was found through environment variables."""
    passed: bool
    """True if no probe failed and all could be made."""
    summary: dict[str, int]
    """The number of probes by verdict."""
    probes: list[ProbeDoc]
    """In the order in which the probes were made."""
    diagnostics: list[DiagnosticDoc]
    """Errors that stopped the test before its end."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ProofDoc, title="reconciler broker verify", identifier="broker-verify.schema.json")

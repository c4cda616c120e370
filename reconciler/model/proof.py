"""The results of the probes of a broker."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ProbeVerdict(StrEnum):
    """The result of a probe."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    WARNING = "warning"  # not as it should be, but not because of the broker
    SKIPPED = "skipped"


class Probe(Struct, frozen=True):
    """One probe and its result. `id` is stable; `subject` is the user, file or port that it checks."""

    id: str
    subject: str
    verdict: ProbeVerdict
    expected: str
    observed: str
    fix: str
    seconds: float

"""What was tried on a broker, and what came of it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ProbeVerdict(StrEnum):
    """What came of a probe."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    WARNING = "warning"  # not as it should be, and not the broker's fault
    SKIPPED = "skipped"


class Probe(Struct, frozen=True):
    """The result of one probe. `id` is stable; `subject` is the user, file or port that it is about."""

    id: str
    subject: str
    verdict: ProbeVerdict
    expected: str
    observed: str
    fix: str
    seconds: float

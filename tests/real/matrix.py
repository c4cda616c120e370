"""What was recorded of the drives of the real CLIs: one row for each CLI and version, in `versions.json`."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

RECORD = Path(__file__).parent / "versions.json"
# The steps of a drive, in their order; docs/agent-types.md says what each one shows.
STEPS = (
    "start",
    "first prompt",
    "idle",
    "conversation",
    "at work",
    "refused at work",
    "question",
    "refused at a question",
    "answer",
    "stop",
    "resume",
    "rotation",
    "server loss",
)


class Outcome(StrEnum):
    """What came of one step."""

    PASSED = "passed"
    IMPOSSIBLE = "not possible"  # this CLI has no such thing, or it cannot be known; `seen` says why
    FAILED = "failed"
    NOT_REACHED = "not reached"  # a step that it builds on failed


class Verdict(NamedTuple):
    """What came of one step, and what was seen of it; `screen` is for who reads the failure now."""

    outcome: Outcome
    seen: str = ""
    screen: str = ""

    def document(self) -> dict[str, str]:
        """As it is recorded."""
        return {"outcome": self.outcome.value} | ({"seen": self.seen} if self.seen else {})


def recorded() -> list[dict[str, Any]]:
    """The rows of the file: `cli`, `version`, `date`, and `steps` with an `outcome` each."""
    rows: list[dict[str, Any]] = json.loads(RECORD.read_text("utf-8"))["rows"] if RECORD.exists() else []
    return rows


def record(row: dict[str, Any]) -> None:
    """Write a row in the place of the older one of this CLI and version."""
    key = (row["cli"], row["version"])
    rows = [each for each in recorded() if (each["cli"], each["version"]) != key] + [row]
    rows.sort(key=lambda each: (each["cli"], number(each["version"])))
    RECORD.write_text(json.dumps({"rows": rows}, indent=1, ensure_ascii=False) + "\n", "utf-8")


def newest(cli: str) -> dict[str, Any]:
    """The row of the newest version of this CLI; empty when it was never driven."""
    return next((row for row in reversed(recorded()) if row["cli"] == cli), {})


def number(version: str) -> tuple[int, ...]:
    """A version for comparing."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])

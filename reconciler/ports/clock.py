"""The real time, and the only place that reads or spends it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the door that the ban points to

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)  # noqa: TID251 - this is the door that the ban points to

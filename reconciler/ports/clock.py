"""The real time. Only this file reads the clock or sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The current time in UTC, with its time zone."""
        return datetime.now(UTC)  # noqa: TID251 - the one place where it is allowed

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring durations."""
        return time.monotonic()

    def processor_time(self) -> float:
        """Seconds for which a processor has worked for this thread; it grows no faster while others take turns."""
        return time.thread_time()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)  # noqa: TID251 - the one place where it is allowed

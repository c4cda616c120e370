"""A sink that may fail, or be slow, without anybody waiting for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Condition, Thread

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass
from reconciler.monitor.sink import Sink

LIMIT = 1000  # news that are kept for a sink that fails
_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
_LAST_WORDS = 15.0  # seconds that the end of the monitor waits for a sink


class Retrying:
    """Hands each pass to `sink` in a thread of its own, again after a pause when that fails.

    What waits is one pass: the latest, with the news of all before it. Each outage is one warning, and one
    word when it is over.
    """

    def __init__(self, sink: Sink, warn: Callable[[str], None], pauses: Sequence[float] = _PAUSES) -> None:
        self.name = sink.name
        self._sink = sink
        self._warn = warn
        self._pauses = pauses
        self._changed = Condition()
        self._waiting: Pass | None = None
        self._dropped = 0
        self._stop = ""
        self._closing = False
        self._thread = Thread(target=self._work, name=sink.name, daemon=True)
        self._thread.start()

    def tell(self, seen: Pass) -> str:
        """Take the pass, and answer what the sink said to an earlier one."""
        with self._changed:
            self._keep(self._waiting, seen)
            self._changed.notify_all()
            return self._stop

    def close(self) -> None:
        """Let what waits be told once more; a sink that hangs is left behind."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_LAST_WORDS)
        if self._thread.is_alive():
            self._warn(f"{self.name} does not answer; its last news may be lost")
        else:
            self._sink.close()

    def _work(self) -> None:
        failures = 0
        while seen := self._next():
            try:
                self._stop = self._sink.tell(seen) or self._stop
            except Exception as error:  # noqa: BLE001 - a mistake in one sink must not silence it for good
                failures += 1
                if self._failed(seen, error, failures):
                    return
            else:
                self._succeeded(failures)
                failures = 0

    def _next(self) -> Pass | None:
        """What is to be told now; None when the monitor ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            seen, self._waiting = self._waiting, None
            return seen

    def _failed(self, seen: Pass, error: Exception, failures: int) -> bool:
        """Pause before the next attempt; True when there shall be none."""
        if failures == 1:
            self._warn(f"{self.name} cannot be told: {_reason(error)}. It is tried again.")
        with self._changed:
            last = self._closing
            self._keep(seen, self._waiting)
            self._changed.wait_for(lambda: self._closing, self._pauses[min(failures, len(self._pauses)) - 1])
        if last and seen.news:
            self._warn(f"{self.name} was not told everything; drifts that it missed: {len(seen.news)}")
        return last

    def _succeeded(self, failures: int) -> None:
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        if failures or dropped:
            lost = f"; drifts that it missed: {dropped}" if dropped else ""
            self._warn(f"{self.name} can be told again{lost}")

    def _keep(self, older: Pass | None, newer: Pass | None) -> None:
        """Let the two wait as one pass."""
        both = merged(older, newer)
        if both and len(both.news) > LIMIT:
            self._dropped += len(both.news) - LIMIT
            both = replace(both, news=both.news[-LIMIT:])
        self._waiting = both


def merged(older: Pass | None, newer: Pass | None) -> Pass | None:
    """The state of the newer pass with the news of both."""
    if older is None or newer is None:
        return newer or older
    return replace(newer, news=older.news + newer.news)


def _reason(error: Exception) -> str:
    if not isinstance(error, ReconcilerError):
        return repr(error)
    parts = (error.summary, " ".join(error.detail.split()))
    return ": ".join(part for part in parts if part)

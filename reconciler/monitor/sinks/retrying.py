"""A sink that may fail or be slow without delaying the monitor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition, Thread

from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass
from reconciler.monitor.backlog import Backlog, BacklogFile, add, load, remove, with_news, without
from reconciler.monitor.sink import Sink

_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
_LAST_WORDS = 15.0  # seconds that an ending monitor waits for a sink


class Retrying:
    """Gives each pass to `sink` in its own thread, and retries after a pause if that fails.

    Only one pass waits: the latest, with the changes of all earlier ones. With a `file` these are on disk, too, and
    those that an earlier monitor left come first. Each outage causes one warning, and one message when it is over.
    """

    def __init__(
        self,
        sink: Sink,
        warn: Callable[[str], None],
        file: BacklogFile | None = None,
        pauses: Sequence[float] = _PAUSES,
    ) -> None:
        self.name = sink.name
        self._sink = sink
        self._warn = warn
        self._file = file
        self._pauses = pauses
        self._changed = Condition()
        self._waiting: Pass | None = None
        self._backlog = load(file) if file else Backlog()
        self._stop = ""
        self._closing = False
        self._thread = Thread(target=self._work, name=sink.name, daemon=True)
        self._thread.start()

    def tell(self, seen: Pass) -> str:
        """Take over the pass, whose changes then count as reported. Returns the sink's answer to an earlier pass."""
        if self._file and seen.news:
            add(self._file, seen.news)
        with self._changed:
            self._backlog = with_news(self._backlog, seen.news)
            self._waiting = _latest(self._waiting, seen)
            self._changed.notify_all()
            return self._stop

    def close(self) -> None:
        """Try once more to send what waits; a sink that hangs is abandoned."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_LAST_WORDS)
        if self._thread.is_alive():
            fate = "the next monitor will send its last reports" if self._file else "its last reports may be lost"
            self._warn(f"{self.name} does not answer; {fate}")
        else:
            self._sink.close()

    def _work(self) -> None:
        failures = 0
        while found := self._next():
            seen, backlog = found
            try:
                self._stop = self._sink.tell(replace(seen, news=backlog.news)) or self._stop
            except Exception as error:  # noqa: BLE001 - an unexpected error must not stop the sink for good
                failures += 1
                if self._failed(seen, error, failures):
                    return
            else:
                self._succeeded(backlog, failures)
                failures = 0

    def _next(self) -> tuple[Pass, Backlog] | None:
        """The pass and the reports to send now; None when the monitor ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            seen, self._waiting = self._waiting, None
            return (seen, self._backlog) if seen else None

    def _failed(self, seen: Pass, error: Exception, failures: int) -> bool:
        """Pause before the next attempt. Returns True if there is none."""
        if failures == 1:
            self._warn(f"{self.name} cannot be reached: {_reason(error)}. Retrying.")
        with self._changed:
            last = self._closing
            self._waiting = _latest(seen, self._waiting)
            self._changed.wait_for(lambda: self._closing, self._pauses[min(failures, len(self._pauses)) - 1])
        if last and self._backlog.news:
            fate = "that the next monitor will send" if self._file else "it missed"
            self._warn(f"{self.name} did not get everything; drifts {fate}: {len(self._backlog.news)}")
        return last

    def _succeeded(self, told: Backlog, failures: int) -> None:
        with self._changed:
            self._backlog = without(self._backlog, told)
        if self._file and told != Backlog():
            remove(self._file, told)
        if failures or told.dropped:
            lost = f"; drifts it missed: {told.dropped}" if told.dropped else ""
            self._warn(f"{self.name} works again{lost}")


def _latest(older: Pass | None, newer: Pass | None) -> Pass | None:
    """The newer pass, unless it could see nothing and the older one could."""
    return older if newer is None or (older and newer.blind) else newer


def _reason(error: Exception) -> str:
    if not isinstance(error, ReconcilerError):
        return repr(error)
    parts = (error.summary, " ".join(error.detail.split()))
    return ": ".join(part for part in parts if part)

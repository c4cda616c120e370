"""Watch folders, and wake a waiting loop soon after something in them changes.

The loop only learns that something changed. An event may get lost, or come without a change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from select import select
from threading import Event, Thread

from watchfiles import Change, watch

_STEP_MS, _TURN_MS = 100, 1000


class WakeupPipe:
    """Wakes a waiting loop from another thread, from a signal handler, or when a process ends."""

    def __init__(self) -> None:
        """Raises OSError when no descriptors are left."""
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)

    def wake(self) -> None:
        """Wake the loop now, or when it next begins to wait. Several calls before that count as one."""
        with suppress(BlockingIOError, OSError):  # full: the loop is already woken; closed: no loop waits
            os.write(self._write_end, b".")

    def wait(self, seconds: float, *others: int) -> bool:
        """Wait. True when woken, or when one of the descriptors `others` becomes readable, within `seconds`."""
        ready, _, _ = select([self._read_end, *others], [], [], max(seconds, 0))
        if self._read_end in ready:
            with suppress(BlockingIOError):
                while os.read(self._read_end, 4096):
                    pass
        return bool(ready)

    def close(self) -> None:
        """Close the pipe. Nothing may wait on it any more."""
        os.close(self._read_end)
        os.close(self._write_end)


class FolderWatch:
    """Calls `wake` once when the watch has begun, and then for each relevant change in one of the folders.

    `matters` decides whether a change is relevant. It gets the path, and True if only the content changed.
    """

    def __init__(self, wake: Callable[[], None], matters: Callable[[str, bool], bool]) -> None:
        self._wake = wake
        self._matters = matters
        self._folders: frozenset[str] = frozenset()
        self._stop = Event()
        self._thread: Thread | None = None

    def watch(self, folders: Iterable[str]) -> None:
        """Watch these folders from now on, and no others. Missing folders are skipped."""
        wanted = frozenset(folder for folder in folders if os.path.isdir(folder))
        if wanted == self._folders and (self._thread is None or self._thread.is_alive()):
            return
        self.close()
        self._folders, self._stop = wanted, Event()
        if wanted:
            self._thread = Thread(target=self._listen, args=(wanted, self._stop), daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._thread, self._folders = None, frozenset()

    def _listen(self, folders: frozenset[str], stop: Event) -> None:
        with suppress(
            OSError, RuntimeError
        ):  # no watches left, or a folder was removed: the loop wakes only by its timeout
            for turn, changes in enumerate(
                watch(
                    *folders,
                    watch_filter=lambda change, path: self._matters(path, change is Change.modified),
                    debounce=_STEP_MS,
                    step=_STEP_MS,
                    stop_event=stop,
                    recursive=False,
                    ignore_permission_denied=True,
                    yield_on_timeout=True,
                    rust_timeout=_TURN_MS,
                )
            ):
                if changes or turn == 0:  # turn 0: something may have changed before the watch began
                    self._wake()

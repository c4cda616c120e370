"""Folders of this machine, watched: somebody is told soon when something in them changes.

What is told is only that something changed. An event may be lost, or come when nothing has changed.
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
    """Wakes whoever waits: from another thread, from a signal handler, or from a process that ends."""

    def __init__(self) -> None:
        """Raises OSError when there are no descriptors left."""
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)

    def wake(self) -> None:
        """Wake them now, or as soon as they begin to wait; any number of calls is one."""
        with suppress(BlockingIOError, OSError):  # full: they are woken already; closed: nobody waits
            os.write(self._write_end, b".")

    def wait(self, seconds: float, *others: int) -> bool:
        """True when it is woken, or one of the `others` (descriptors) can be read, within that time."""
        ready, _, _ = select([self._read_end, *others], [], [], max(seconds, 0))
        if self._read_end in ready:
            with suppress(BlockingIOError):
                while os.read(self._read_end, 4096):
                    pass
        return bool(ready)

    def close(self) -> None:
        """Nobody waits any more."""
        os.close(self._read_end)
        os.close(self._write_end)


class FolderWatch:
    """Calls `wake` when something in one of the folders changes, as far as it matters, and once when it has begun.

    `matters` judges a path, and whether the file has only got another content: it neither came nor went.
    """

    def __init__(self, wake: Callable[[], None], matters: Callable[[str, bool], bool]) -> None:
        self._wake = wake
        self._matters = matters
        self._folders: frozenset[str] = frozenset()
        self._stop = Event()
        self._thread: Thread | None = None

    def watch(self, folders: Iterable[str]) -> None:
        """Watch these folders from now on, and no others; those that are not there are passed over."""
        wanted = frozenset(folder for folder in folders if os.path.isdir(folder))
        if wanted == self._folders and (self._thread is None or self._thread.is_alive()):
            return
        self.close()
        self._folders, self._stop = wanted, Event()
        if wanted:
            self._thread = Thread(target=self._listen, args=(wanted, self._stop), daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Watch nothing."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._thread, self._folders = None, frozenset()

    def _listen(self, folders: frozenset[str], stop: Event) -> None:
        with suppress(OSError, RuntimeError):  # no watches left, or a folder went: who waits does so in vain
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
                if changes or turn == 0:  # what happened before the watch had begun
                    self._wake()

"""End with the terminal: nobody sees or steers a screen whose terminal has gone."""

from __future__ import annotations

import os
import select
import signal
from threading import Thread

_EXIT_CODE = 128 + signal.SIGHUP


def end_on_hangup(terminal: int = 0) -> None:
    """End this process at once when the terminal goes, even if SIGHUP is ignored or does not reach it.

    A full-screen program would read the end of its input in a loop. Where a terminal cannot be polled, nothing happens.
    """
    Thread(target=_wait, args=(terminal,), daemon=True).start()


def _wait(terminal: int) -> None:
    poll = select.poll()
    poll.register(terminal, 0)  # a hangup is always told
    if any(events & select.POLLHUP for _, events in poll.poll()):
        os._exit(_EXIT_CODE)

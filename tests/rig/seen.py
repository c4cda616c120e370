"""Watch every command line that is seen on a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machines import Machine
from waiting import wait_until

WATCH = (
    """while [ ! -e ~/enough ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >> ~/seen; sleep 0.02; done"""
)


@contextmanager
def watched(machine: Machine) -> Iterator[Path]:
    """Keep every command line that is seen on a machine in a file."""
    seen = machine.write("seen", "")
    with machine.start("sh", "-c", WATCH) as watcher:
        try:
            wait_until(lambda: "cat /proc" in seen.read_text(errors="replace"))
            yield seen
        finally:
            machine.write("enough", "")
            watcher.communicate()

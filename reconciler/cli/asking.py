"""Questions to the user."""

from __future__ import annotations

import sys


def somebody_is_there() -> bool:
    """Whether a person can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def approved() -> bool:
    """Whether the user agrees to what was just shown."""
    sys.stdout.write("\nDo you want to perform these actions? Only 'yes' will be accepted.\n  Enter a value: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() == "yes"

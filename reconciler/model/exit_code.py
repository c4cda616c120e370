"""The exit codes: the one place where their numbers stand."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a user's script sees."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    NOT_PUBLISHED = 2  # the seed's number, for the one command that never compares anything
    PARTIAL = 3
    UNREACHABLE = 4
    STALE = 5
    LOCKED = 6
    REFUSED = 7
    TIMED_OUT = 8
    SILENT = 9
    USAGE = 64
    INTERRUPTED = 130

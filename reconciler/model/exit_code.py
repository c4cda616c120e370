"""The exit codes. No other file has their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    NOT_PUBLISHED = 2  # the number that the older publish script used; `job publish` never exits with CHANGES
    PARTIAL = 3
    UNREACHABLE = 4
    STALE = 5
    LOCKED = 6
    REFUSED = 7
    TIMED_OUT = 8
    SILENT = 9
    USAGE = 64
    INTERRUPTED = 130


def exit_code_of(severities: Iterable[str]) -> ExitCode:
    """The exit code of a look with these diagnostics: a refusal exits with 7 if nothing worse was found."""
    found = {each for each in severities if each != "warning"}
    if not found:
        return ExitCode.OK
    return ExitCode.REFUSED if found == {"refusal"} else ExitCode.ERROR

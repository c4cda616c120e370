"""A message for the user, with its place and what to type. A command collects all of them before it reports."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How serious it is. An `ERROR` stops apply; a `REFUSAL` is an error that a guard raises (exit code 7)."""

    ERROR = "error"
    REFUSAL = "refusal"
    WARNING = "warning"


class Place(Struct, frozen=True):
    """A position in a file that the user wrote. Lines and columns count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Diagnostic(Struct, frozen=True):
    """One message. `summary` says what is wrong, `detail` why, and `fix` what to type."""

    severity: Severity
    summary: str
    detail: str = ""
    fix: str = ""
    address: str = ""
    place: Place | None = None

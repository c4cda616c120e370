"""Something the user should know, with a place and a way out. Diagnostics accumulate."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How bad: an `ERROR` stops apply, a `REFUSAL` is an error made by a guard (exit 7)."""

    ERROR = "error"
    REFUSAL = "refusal"
    WARNING = "warning"


class Place(Struct, frozen=True):
    """A position in a file the user wrote; lines and columns count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Diagnostic(Struct, frozen=True):
    """One message: what is wrong in `summary`, why in `detail`, what to do in `fix`."""

    severity: Severity
    summary: str
    detail: str = ""
    fix: str = ""
    address: str = ""
    place: Place | None = None

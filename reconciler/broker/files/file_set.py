"""The files of a broker as values, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.redacted import Redacted

PRIVATE = 0o600
PUBLIC = 0o644


class File(Redacted, frozen=True):
    """The content and mode of a file. The content may be secret, so `repr` does not show it."""

    data: bytes
    mode: int = PRIVATE


FileSet: TypeAlias = Mapping[str, File]


class InvalidBrokerFiles(ReconcilerError):
    """The files of a broker are not valid; `diagnostics` has all mistakes."""

    def __init__(self, summary: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        messages = (f"{each.place}: {each.summary}" if each.place else each.summary for each in diagnostics)
        fixes = dict.fromkeys(each.fix for each in diagnostics)
        super().__init__(summary, detail="\n".join(messages), fix="; ".join(fixes))
        self._mistakes = diagnostics

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake of every file."""
        return self._mistakes


def mistake(path: str, line: int, what: str, fix: str) -> Diagnostic:
    """A mistake in a file, and how to correct it; line 0 means the whole file."""
    return Diagnostic(Severity.ERROR, what, fix=fix, place=Place(path, line))


def below(files: FileSet, folder: str) -> dict[str, File]:
    """The files in `folder`, by their paths relative to it."""
    prefix = f"{folder}/"
    return {path.removeprefix(prefix): file for path, file in files.items() if path.startswith(prefix)}

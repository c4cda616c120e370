"""The errors of reconciler, each with the exit code of the command.

ReconcilerError
├── UsageError           the command line makes no sense
├── InvalidManifest      has every mistake of every file
├── RegistryUnreadable   the registry exists, but is broken or cannot be read
├── Unreachable          a host, server or broker did not answer
├── StalePlan            the live state changed after the plan was saved
├── LockHeld             another process is applying
└── Refused              a guard refused
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from reconciler.model.exit_code import ExitCode

if TYPE_CHECKING:
    from .diagnostic import Diagnostic


class ReconcilerError(Exception):
    """An error for the user. `summary` says what happened, `detail` why, and `fix` what to type."""

    exit_code: ClassVar[int] = ExitCode.ERROR

    def __init__(self, summary: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.fix = fix

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The error in the form that documents show."""
        return (_diagnostic(self.summary, self.detail, self.fix),)


class UsageError(ReconcilerError):
    """The command line cannot be right."""

    exit_code = ExitCode.USAGE


class InvalidManifest(ReconcilerError):
    """One or more manifests, or other `files`, are invalid. `diagnostics` has all mistakes of all files."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], files: str = "the manifests") -> None:
        count = len(diagnostics)
        super().__init__(f"{count} mistake{'s' if count != 1 else ''} in {files}")
        self._mistakes = diagnostics

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake of every file."""
        return self._mistakes


class RegistryUnreadable(ReconcilerError):
    """The registry exists, but is broken or cannot be read. Nothing may be decided from it.

    `more` has the other mistakes in it, one sentence each.
    """

    def __init__(self, summary: str, *, detail: str = "", fix: str = "", more: Sequence[str] = ()) -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self.more = tuple(more)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake. Only the last one has the `fix`."""
        *first, last = (self.summary, *self.more)
        return (*map(_diagnostic, first), _diagnostic(last, self.detail, self.fix))


class Unreachable(ReconcilerError):
    """A host, server or broker that is needed did not answer."""

    exit_code = ExitCode.UNREACHABLE


class StalePlan(ReconcilerError):
    """The facts behind a saved plan are no longer true."""

    exit_code = ExitCode.STALE


class LockHeld(ReconcilerError):
    """Another process holds the project's lock."""

    exit_code = ExitCode.LOCKED


class Refused(ReconcilerError):
    """A guard protects something from the command."""

    exit_code = ExitCode.REFUSED


def _diagnostic(summary: str, detail: str = "", fix: str = "") -> Diagnostic:
    from .diagnostic import Diagnostic, Severity  # noqa: PLC0415 - `--help` needs this module, but no diagnostics

    return Diagnostic(severity=Severity.ERROR, summary=summary, detail=detail, fix=fix)

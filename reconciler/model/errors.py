"""The errors of the product, each with the exit code that a user's script sees.

ReconcilerError
├── UsageError           the command line makes no sense
├── InvalidManifest      carries every mistake of every file
├── RegistryUnreadable   the registry is there but cannot be trusted
├── Unreachable          something needed did not answer
├── StalePlan            the world moved since the plan was saved
├── LockHeld             somebody else is applying
└── Refused              a guard said no
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from reconciler.model.exit_code import ExitCode

if TYPE_CHECKING:
    from .diagnostic import Diagnostic


class ReconcilerError(Exception):
    """What went wrong in `summary`; what to do about it in `fix`."""

    exit_code: ClassVar[int] = ExitCode.ERROR

    def __init__(self, summary: str, *, detail: str = "", fix: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.fix = fix

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The error as a document carries it."""
        from .diagnostic import Diagnostic, Severity  # noqa: PLC0415 - `--help` needs errors, and nothing else

        return (Diagnostic(severity=Severity.ERROR, summary=self.summary, detail=self.detail, fix=self.fix),)


class UsageError(ReconcilerError):
    """The command line asks for something that cannot be meant."""

    exit_code = ExitCode.USAGE


class InvalidManifest(ReconcilerError):
    """One or more manifests, or the files that are said instead, cannot be used.

    `diagnostics` holds all mistakes of all files.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...], files: str = "the manifests") -> None:
        count = len(diagnostics)
        super().__init__(f"{count} mistake{'s' if count != 1 else ''} in {files}")
        self._mistakes = diagnostics

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake of every file."""
        return self._mistakes


class RegistryUnreadable(ReconcilerError):
    """The registry exists but is broken or cannot be read; nothing may be decided from it.

    `more` says what else is wrong with it, one sentence each.
    """

    def __init__(self, summary: str, *, detail: str = "", fix: str = "", more: Sequence[str] = ()) -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self.more = tuple(more)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong; the way out stands at the last."""
        from .diagnostic import Diagnostic, Severity  # noqa: PLC0415 - as above

        if not self.more:
            return super().diagnostics
        *first, last = (self.summary, *self.more)
        said = [Diagnostic(severity=Severity.ERROR, summary=each) for each in first]
        return (*said, Diagnostic(severity=Severity.ERROR, summary=last, detail=self.detail, fix=self.fix))


class Unreachable(ReconcilerError):
    """A host, server or broker that is needed did not answer."""

    exit_code = ExitCode.UNREACHABLE


class StalePlan(ReconcilerError):
    """A saved plan rests on facts that are no longer true."""

    exit_code = ExitCode.STALE


class LockHeld(ReconcilerError):
    """Another process holds the project's lock."""

    exit_code = ExitCode.LOCKED


class Refused(ReconcilerError):
    """A guard protects something from what was asked."""

    exit_code = ExitCode.REFUSED

"""How far a run came, and its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.exit_code import ExitCode


class Verdict(StrEnum):
    """How far a run came."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"
    DECLINED = "declined"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.DONE: ExitCode.OK,
    Verdict.PARTIAL: ExitCode.PARTIAL,
    Verdict.FAILED: ExitCode.ERROR,
    Verdict.REFUSED: ExitCode.REFUSED,
    Verdict.DECLINED: ExitCode.ERROR,
    Verdict.INTERRUPTED: ExitCode.INTERRUPTED,
}


def refusal(errors: Iterable[Diagnostic]) -> Verdict:
    """The verdict of a run that errors stopped: REFUSED when all of them are refusals, or there is none."""
    refused = all(error.severity is Severity.REFUSAL for error in errors)
    return Verdict.REFUSED if refused else Verdict.FAILED

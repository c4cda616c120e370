"""Short ways to make the result of a check."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.checkup import CheckName, CheckResult, Cure, Level
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Unknown

_SHOWN = 5  # names in one sentence


def ok(name: CheckName, summary: str) -> CheckResult:
    """All is well."""
    return CheckResult(name=name, level=Level.OK, summary=summary)


def note(name: CheckName, summary: str, detail: str = "", fix: str = "") -> CheckResult:
    """Something worth knowing."""
    return CheckResult(name=name, level=Level.NOTE, summary=summary, detail=detail, fix=fix)


def warning(name: CheckName, summary: str, detail: str = "", fix: str = "", cure: Cure | None = None) -> CheckResult:
    """Something that should be mended."""
    return CheckResult(name=name, level=Level.WARNING, summary=summary, detail=detail, fix=fix, cure=cure)


def error(name: CheckName, summary: str, detail: str = "", fix: str = "", cure: Cure | None = None) -> CheckResult:
    """Something that prevents work."""
    return CheckResult(name=name, level=Level.ERROR, summary=summary, detail=detail, fix=fix, cure=cure)


def unknown(name: CheckName, what: str, found: Unknown) -> CheckResult:
    """Something that could not be looked at."""
    return CheckResult(name=name, level=Level.UNKNOWN, summary=what, detail=found.reason, fix=found.fix)


def diagnosed(name: CheckName, diagnostic: Diagnostic) -> CheckResult:
    """A message of another part of the program, with its place."""
    level = Level.WARNING if diagnostic.severity is Severity.WARNING else Level.ERROR
    summary = f"{diagnostic.place}: {diagnostic.summary}" if diagnostic.place else diagnostic.summary
    return CheckResult(name=name, level=level, summary=summary, detail=diagnostic.detail, fix=diagnostic.fix)


def some(names: Sequence[str]) -> str:
    """The names as a list; of a long list the first ones, and how many more there are."""
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])


def counted(number: int, what: str) -> str:
    """`1 session`, `2 sessions`."""
    return f"{number} {what}{'' if number == 1 else 's'}"

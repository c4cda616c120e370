"""What came of a run, and the exit code that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.event import (
    ActionDone,
    ActionEvent,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    PromptUnverified,
)
from reconciler.model.exit_code import ExitCode

_COUNTED = {
    "create": ("added",),
    "resume": ("added",),
    "replace": ("added", "destroyed"),
    "update": ("changed",),
    "delete": ("destroyed",),
    "import": ("imported",),
    "forget": ("forgotten",),
}
_NAMES = ("imported", "added", "changed", "destroyed", "forgotten", "failed", "skipped")


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
        """What a user's script sees of it."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.DONE: ExitCode.OK,
    Verdict.PARTIAL: ExitCode.PARTIAL,
    Verdict.FAILED: ExitCode.ERROR,
    Verdict.REFUSED: ExitCode.REFUSED,
    Verdict.DECLINED: ExitCode.ERROR,
    Verdict.INTERRUPTED: ExitCode.INTERRUPTED,
}


@dataclass(slots=True)
class Totals:
    """What has come of a run so far: how many of what, and the addresses that are not as planned."""

    counts: Counter[str] = field(default_factory=Counter)
    remaining: list[str] = field(default_factory=list)
    interrupted: bool = False
    left_undone: Verdict = Verdict.REFUSED
    """What it means when nothing was done and nothing failed, and something remains."""

    @property
    def summary(self) -> dict[str, int]:
        """How many of what."""
        return {name: self.counts[name] for name in _NAMES}

    @property
    def left(self) -> list[str]:
        """The addresses that are not as planned, each once."""
        return list(dict.fromkeys(self.remaining))

    @property
    def verdict(self) -> Verdict:
        """How far the run came."""
        if self.interrupted:
            return Verdict.INTERRUPTED
        if not self.remaining:
            return Verdict.DONE
        if self.counts["done"]:
            return Verdict.PARTIAL
        return Verdict.FAILED if self.counts["failed"] else self.left_undone

    def add(self, event: ActionEvent) -> None:
        """Count one event."""
        match event:
            case ActionDone(verb=verb):
                self.counts.update(("done", *_COUNTED.get(verb.value, ())))
            case ActionFailed(address=address):
                self.counts["failed"] += 1
                self.remaining.append(str(address))
            case ActionSkipped(address=address):
                self.counts["skipped"] += 1
                self.remaining.append(str(address))
            case PromptUnverified(address=address):
                self.remaining.append(str(address))
            case ActionStarted() | ActionWaiting():
                pass


def refusal(errors: Iterable[Diagnostic]) -> Verdict:
    """What came of a run that errors stopped: refused when nothing but guards said no, or something was put off."""
    refused = all(error.severity is Severity.REFUSAL for error in errors)
    return Verdict.REFUSED if refused else Verdict.FAILED

"""The results of a run, counted event by event."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

from reconciler.model.event import (
    ActionDone,
    ActionEvent,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    PromptUnverified,
)

from .verdict import Verdict

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


class Totals(Struct):
    """The results of a run so far."""

    counts: Counter[str] = field(default_factory=Counter)
    remaining: list[str] = field(default_factory=list)
    """The addresses that are not as planned; an address may be listed twice."""
    interrupted: bool = False
    left_undone: Verdict = Verdict.REFUSED
    """The verdict when nothing was done, nothing failed, and something remains."""

    @property
    def summary(self) -> dict[str, int]:
        """The numbers of the summary line, by name."""
        return {name: self.counts[name] for name in _NAMES}

    @property
    def changed(self) -> bool:
        """Whether at least one action completed."""
        return self.counts["done"] > 0

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
        if self.changed:
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

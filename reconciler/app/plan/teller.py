"""What an apply says while it works, and what it counts."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.app.project.project import Project
from reconciler.model.event import (
    ActionDone,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    PromptUnverified,
    Told,
)
from reconciler.model.moment import to_millisecond
from reconciler.model.record import Json
from reconciler.render.door import json_text
from reconciler.render.terminal import show

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


@dataclass(slots=True)
class Tally:
    """What has come of the work so far; `lines` are its events, as the history keeps them."""

    counts: Counter[str] = field(default_factory=Counter)
    remaining: list[str] = field(default_factory=list)
    lines: list[Mapping[str, Json]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def summary(self) -> dict[str, int]:
        """How many of what."""
        return {name: self.counts[name] for name in _NAMES}

    @property
    def left(self) -> list[str]:
        """The addresses that are not as planned, each once."""
        return list(dict.fromkeys(self.remaining))

    def add(self, event: Told) -> None:
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


@dataclass(slots=True)
class Teller:
    """Everything that is said: JSON lines, or text with a progress display on standard error."""

    at: Project
    as_json: bool
    sequence: int = 0

    def line(self, **body: object) -> None:
        """Print one JSON line."""
        head = {"sequence": self.sequence, "timestamp": self.timestamp()}
        self.sequence += 1
        if self.as_json:
            self._show([json_text({**body, **head})])

    def timestamp(self) -> str:
        """Now, in UTC, with milliseconds."""
        return to_millisecond(self.at.now())

    def text(self, lines: Iterable[str]) -> None:
        """Print lines, unless JSON is asked for."""
        if not self.as_json:
            self._show(lines)

    def _show(self, lines: Iterable[str]) -> None:
        """Readers may leave, and a disk may be full, at any time; the work goes on."""
        show(lines, sys.stdout, {} if self.as_json else self.at.env)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something that is no result."""
        show([text], sys.stderr, self.at.env)

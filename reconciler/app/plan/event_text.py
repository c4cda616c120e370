"""The sentences for the events of an apply, as every face shows them."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.app.plan.events import (
    ApplyEnded,
    ApplyEvent,
    Concluded,
    ConfirmationAwaited,
    Diagnosed,
    ManifestEdited,
    ManifestRestored,
    PlanMade,
)
from reconciler.plan.verdict import Verdict
from reconciler.render.edits import edit_text, restore_text
from reconciler.render.events import conclusion_text, confirmation_text
from reconciler.render.text import diagnostic_text, plan_text


def event_lines(event: ApplyEvent, *, full: bool = False) -> Iterator[str]:
    """The lines for an event. An action has none here: `render.events.event_text` makes them from its `line`."""
    match event:
        case PlanMade(document=document):
            yield from plan_text(document, full=full)
        case ManifestEdited(document=edit):
            yield from ("", *edit_text(edit))
        case ManifestRestored(document=restore):
            yield from ("", *restore_text(restore))
        case Diagnosed(document=diagnostic, raised=False):
            yield from ("", *diagnostic_text(diagnostic))
        case Concluded():
            remaining = None if event.verdict is Verdict.DONE else event.remaining
            yield from conclusion_text(event.counts, remaining, event.written, destroyed_all=event.destroyed_all)
        case ConfirmationAwaited(line=line):
            yield from confirmation_text(line)
        case ApplyEnded(declined=True):
            yield "Nothing was done."

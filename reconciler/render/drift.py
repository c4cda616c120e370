"""Drift: the JSON document, and its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.model.plan import Plan

from .document import (
    NOBODYS,
    Whose,
    accepted_item,
    at_document,
    diagnostic_document,
    drift_item,
    learned_items,
    resource_change,
)
from .documents import FORMAT_VERSION
from .shape import shape_of
from .text import accepted_text, change_text

if TYPE_CHECKING:
    from .documents.drift import DriftsDoc


def drift_document(
    plan: Plan, intent: Plan | None = None, unseen: Sequence[str] | None = None, whose: Whose = NOBODYS
) -> DriftsDoc:
    """The document of `drift --json`: what `plan` found, and what `intent` would change if `--intent` was given.

    `unseen` is None after a live look. Without one, it lists what could not be known.
    """
    changes = [resource_change(intent, action) for action in intent.pending] if intent else []
    drifts = [drift_item(plan, each) for each in plan.drift]
    said = dict.fromkeys((*plan.diagnostics, *(intent.diagnostics if intent else ())))
    diagnostics = [diagnostic_document(each) for each in said]
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "at": at_document(whose.identity),
        "shape": shape_of(changes, drifts, diagnostics, whose.names),
        "compared": "live" if unseen is None else "offline",
        "drifts": drifts,
        "learned": learned_items(plan),
        "accepted": [accepted_item(plan, each) for each in plan.accepted],
        "resource_changes": changes,
        "unseen": list(unseen or ()),
        "in_sync": not (plan.drift or changes or plan.errors or (intent and intent.errors)),
        "diagnostics": diagnostics,
    }


def drift_text(document: DriftsDoc) -> Iterator[str]:
    """One line per difference, its class first; then accepted drift, pending changes and what was not looked at."""
    parts = (_drifts, _learned, _accepted, _pending, _unseen, _conclusion)
    sections = (part(document) for part in parts)
    blocks = (block for section in sections if (block := list(section)))
    for number, block in enumerate(blocks):
        yield from [""] if number else []
        yield from block


def _drifts(document: DriftsDoc) -> Iterator[str]:
    return (f"{each['class']}  {each['message']}" for each in document["drifts"])


def _learned(document: DriftsDoc) -> Iterator[str]:
    """What the registry only learns from ordinary use of the agents; it is not drift."""
    return (f"{each['class']}  {each['message']}" for each in document.get("learned", ()))


def _accepted(document: DriftsDoc) -> Iterator[str]:
    if document["accepted"]:
        yield from accepted_text(document["accepted"])


def _pending(document: DriftsDoc) -> Iterator[str]:
    if document["resource_changes"]:
        yield "Not applied yet:"
    for change in document["resource_changes"]:
        yield ""
        yield from (line for line in change_text(change) if line)


def _unseen(document: DriftsDoc) -> Iterator[str]:
    if document["unseen"]:
        yield "Not looked at, so not known:"
        yield from (f"  {sentence}" for sentence in document["unseen"])


def _conclusion(document: DriftsDoc) -> Iterator[str]:
    live = document["compared"] == "live"
    if document["in_sync"] and document["accepted"]:
        yield "No drift except what is accepted."
    elif document["in_sync"] and document.get("learned"):
        yield "No drift. `reconciler refresh` records the new conversations in the registry."
    elif document["in_sync"]:
        yield "No drift. The registry matches the running agents." if live else "No drift in the files."
    elif document["drifts"] and live:
        yield "`reconciler refresh` updates the registry; `reconciler plan` shows what apply would do."

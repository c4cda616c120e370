"""Drift: the JSON document, and the sentences made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler import __version__
from reconciler.model.plan import Plan

from .document import accepted_item, diagnostic_document, drift_item, resource_change
from .shape import FORMAT_VERSION, AcceptedDoc, DriftsDoc, ResourceChangeDoc
from .text import accepted_text, change_text


def drift_document(plan: Plan, intent: Plan | None = None, unseen: Sequence[str] | None = None) -> DriftsDoc:
    """The document of `drift --json`: what `plan` found; with what `intent` would do, when that was asked.

    `unseen` says what could not be known of the live world where it was not looked at; None where it was.
    """
    changes = [resource_change(intent, action) for action in intent.pending] if intent else []
    said = dict.fromkeys((*plan.diagnostics, *(intent.diagnostics if intent else ())))
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "compared": "live" if unseen is None else "offline",
        "drifts": [drift_item(plan, each) for each in plan.drift],
        "accepted": [accepted_item(plan, each) for each in plan.accepted],
        "resource_changes": changes,
        "unseen": list(unseen or ()),
        "in_sync": not (plan.drift or changes or plan.errors or (intent and intent.errors)),
        "diagnostics": [diagnostic_document(each) for each in said],
    }


def drift_text(document: DriftsDoc) -> Iterator[str]:
    """One line a difference, its class first; then what is accepted, what is pending and what was not seen."""
    yield from (f"{each['class']}  {each['message']}" for each in document["drifts"])
    yield from _accepted(document["accepted"], after=bool(document["drifts"]))
    yield from _pending(document["resource_changes"])
    yield from _unseen(document["unseen"])
    if document["in_sync"]:
        yield _all_is_well(document)
    elif document["drifts"]:
        yield ""
        yield "`reconciler refresh` writes what belongs there into the registry; `reconciler plan` shows what to do."


def _all_is_well(document: DriftsDoc) -> str:
    if document["compared"] == "offline":
        return "No drift in the files. The registry and the broker's files are as the manifests say."
    return "No drift. The registry says what is true."


def _accepted(accepted: Sequence[AcceptedDoc], *, after: bool) -> Iterator[str]:
    if accepted:
        yield from [""] if after else []
        yield from accepted_text(accepted)
        yield ""


def _pending(changes: Iterable[ResourceChangeDoc]) -> Iterator[str]:
    lines = [line for change in changes for line in change_text(change)]
    if lines:
        yield ""
        yield "Not applied yet:"
        yield ""
        yield from lines


def _unseen(sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield "Not looked at, so not known:"
        yield from (f"  {sentence}" for sentence in sentences)
        yield ""

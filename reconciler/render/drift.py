"""Drift: the JSON document, and the sentences made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.plan import Drift

from .document import diagnostic_document, drift_item
from .shape import FORMAT_VERSION, DriftsDoc


def drift_document(drifts: Iterable[Drift], errors: Iterable[Diagnostic]) -> DriftsDoc:
    """The document of `drift --json`."""
    found = [drift_item(each) for each in drifts]
    trouble = [diagnostic_document(each) for each in errors]
    return {
        "format_version": FORMAT_VERSION,
        "drifts": found,
        "in_sync": not found and not trouble,
        "diagnostics": trouble,
    }


def drift_text(document: DriftsDoc) -> Iterator[str]:
    """One line a difference, its class first."""
    yield from (f"{each['class']}  {each['message']}" for each in document["drifts"])
    if document["in_sync"]:
        yield "No drift. The registry says what is true."
    elif document["drifts"]:
        yield ""
        yield "`reconciler refresh` writes what belongs there into the registry; `reconciler plan` shows what to do."

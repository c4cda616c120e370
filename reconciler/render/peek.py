"""A screen: the JSON document, and the lines made from it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.address import Address
from reconciler.model.sgr import colour_lines, last_of, without_colours
from reconciler.model.snapshot import Pane

from .documents import FORMAT_VERSION
from .documents.peek import PeekDoc


def peek_document(address: Address, pane: Pane, captured: str, lines: int) -> PeekDoc:
    """The document of `peek --json`; of what tmux captured, the last `lines`, or all for 0."""
    shown = last_of(colour_lines(captured), lines)
    return {
        "format_version": FORMAT_VERSION,
        "address": str(address),
        "session": pane.session,
        "live": "exited" if pane.dead else "alive",
        "title": pane.title,
        "lines": [{"text": without_colours(line), "coloured": line} for line in shown],
    }


def peek_text(document: PeekDoc) -> Iterator[str]:
    """The screen, in its colours; of one that has ended that is said below."""
    yield from (line["coloured"] for line in document["lines"])
    yield from peek_note(document)


def peek_note(document: PeekDoc) -> Iterator[str]:
    """What should be known beside the screen."""
    if document["live"] == "exited":
        yield f"({document['address']} has ended; these are its last lines)"
    elif not document["lines"]:
        yield f"(the screen of {document['address']} is empty)"

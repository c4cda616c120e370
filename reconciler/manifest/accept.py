"""What a manifest says of known drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from reconciler.model.desired import Accept
from reconciler.model.diagnostic import Diagnostic

from .document import mistake
from .merge import Block


def accepts(blocks: Iterable[Block]) -> tuple[Accept, ...]:
    """What is accepted, in the order of the manifests."""
    return tuple(Accept(**block.content, place=block.place()) for block in blocks)


def accept_mistakes(blocks: Iterable[Block]) -> Iterator[Diagnostic]:
    """Every `until` that is in no calendar."""
    for block in blocks:
        try:
            date.fromisoformat(block.content["until"])
        except ValueError:
            detail = f"found: {block.content['until']}"
            yield mistake("`until` is no day", block.place("until"), detail=detail, fix="write a day of the calendar")

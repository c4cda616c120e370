"""The `accept` entries of manifests, which list known drift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from reconciler.model.desired import Accept
from reconciler.model.diagnostic import Diagnostic

from .document import mistake
from .merge import Block


def accepts(blocks: Iterable[Block]) -> tuple[Accept, ...]:
    """The accepted drift, in the order of the manifests."""
    return tuple(Accept(**block.content, place=block.place()) for block in blocks)


def accept_mistakes(blocks: Iterable[Block]) -> Iterator[Diagnostic]:
    """Every `until` that is not a date of the calendar, such as February 30."""
    for block in blocks:
        try:
            date.fromisoformat(block.content["until"])
        except ValueError:
            detail = f"found: {block.content['until']}"
            yield mistake("`until` is not a date", block.place("until"), detail=detail, fix="write a date, YYYY-MM-DD")

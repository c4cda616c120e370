"""The registry as it is written: valid, and with every byte of before that does not change."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError
from reconciler.text.characters import decoded, encoded, newline_of

from .as_table import listed_as_table
from .rows import Fields, TableChange
from .schemas import schema_mistake
from .splice import rewritten


def expect_valid(data: Fields) -> None:
    """Raises ReconcilerError unless `data` fits the published schema."""
    if mistake := schema_mistake("registry", data):
        raise ReconcilerError(f"the registry would not be valid: {mistake.where}: {mistake.why}")


def text_after(
    now: bytes, listed: Fields | None, before: Fields, after: Fields, changes: Mapping[str, TableChange]
) -> bytes:
    """The text `now` after the changes, from content `before` to content `after`.

    `listed` is the content of a text in which the sessions are a list, which becomes a mapping; else None.
    """
    text = decoded(now)
    lines = text.replace("\r\n", "\n")
    whole = lines if lines.endswith("\n") or not lines else lines + "\n"
    if listed is not None:
        whole = listed_as_table(whole, listed, before)
    result = rewritten(whole, before, after, changes)
    return encoded(result.replace("\n", newline_of(text)), now)

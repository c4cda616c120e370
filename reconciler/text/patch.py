"""An edit of a text, believed only when the text reads back as what was meant; every other character stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from reconciler.model.errors import ReconcilerError


class Patch(NamedTuple):
    """Put `text` where `start` to `end` is now."""

    start: int
    end: int
    text: str


class Unpatchable(ValueError):
    """A text that cannot be edited without touching something else, or that says something else afterwards."""


def edited(text: str, patches: Iterable[Patch], meant: object, read: Callable[[str], object]) -> str:
    """`text` with the patches in it; raises Unpatchable unless `read` finds in it what is `meant`."""
    return believed(patched(text, patches), meant, read)


def patched(text: str, patches: Iterable[Patch]) -> str:
    """`text` with the patches in it; raises Unpatchable when one overlaps another."""
    parts: list[str] = []
    done = 0
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        if patch.start < done:
            raise Unpatchable("two patches overlap")
        parts += [text[done : patch.start], patch.text]
        done = patch.end
    return "".join([*parts, text[done:]])


def believed(text: str, meant: object, read: Callable[[str], object]) -> str:
    """`text`; raises Unpatchable unless `read` finds in it what is `meant`."""
    try:
        found = read(text)
    except (ValueError, ReconcilerError) as error:
        raise Unpatchable(f"it cannot be read back: {error}") from error
    if found != meant:
        raise Unpatchable("it does not read back as what was meant")
    return text

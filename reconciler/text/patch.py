"""Edit a text with patches, and check the result by reading it again. Every other character stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from reconciler.model.errors import ReconcilerError


class Patch(NamedTuple):
    """Replace the characters from `start` to `end` by `text`."""

    start: int
    end: int
    text: str


class Unpatchable(ValueError):
    """A text cannot be edited without changing something else too."""


def edited(text: str, patches: Iterable[Patch], meant: object, read: Callable[[str], object]) -> str:
    """`text` with the patches applied. Raises Unpatchable unless `read` then returns `meant`."""
    return verified(patched(text, patches), meant, read)


def patched(text: str, patches: Iterable[Patch]) -> str:
    """`text` with the patches applied. Raises Unpatchable when two overlap."""
    parts: list[str] = []
    done = 0
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        if patch.start < done:
            raise Unpatchable("two patches overlap")
        parts += [text[done : patch.start], patch.text]
        done = patch.end
    return "".join([*parts, text[done:]])


def verified(text: str, meant: object, read: Callable[[str], object]) -> str:
    """`text` itself, checked. Raises Unpatchable unless `read` returns `meant` for it."""
    try:
        found = read(text)
    except (ValueError, ReconcilerError) as error:
        raise Unpatchable(f"it cannot be read back: {error}") from error
    if found != meant:
        raise Unpatchable("when read back, it does not say what was intended")
    return text

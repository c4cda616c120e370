"""The values that this room takes and passes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.diagnostic import Diagnostic, Place, Severity

if TYPE_CHECKING:
    from .shape import ManifestDoc

_SHOWN = 10  # words of a suggestion


class Source(Struct, frozen=True):
    """One manifest as it was read; `file` is shown to the user."""

    file: str
    data: bytes


class ManifestContext(Struct, frozen=True):
    """What a manifest may refer to: absolute `root` and `home`, the environment, the default project's name."""

    root: str
    home: str
    env: Mapping[str, str]
    default_project: str


class Document(Struct, frozen=True):
    """One manifest of the right shape.

    `places` maps a dotted path like `workspaces.lab.agents.claude` to the line and column, from 1,
    of its key; `digest` is the SHA-256 of the file's bytes.
    """

    file: str
    digest: str
    content: ManifestDoc
    places: Mapping[str, tuple[int, int]]


def place_of(file: str, places: Mapping[str, tuple[int, int]], path: str) -> Place:
    """The place of `path`, or of the nearest thing around it that has one."""
    while path and path not in places:
        path = path.rpartition(".")[0]
    return Place(file, *places.get(path, (1, 1)))


def mistake(summary: str, place: Place, *, detail: str = "", fix: str = "") -> Diagnostic:
    """An error in a manifest."""
    return Diagnostic(Severity.ERROR, summary, detail, fix, place=place)


def suggestion(word: str, words: list[str]) -> str:
    """What may have been meant by `word`, as advice; all of `words` when none is close."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    if close := difflib.get_close_matches(word, words, n=1):
        return f"did you mean `{close[0]}`?"
    shown = [*sorted(words)[:_SHOWN], *(["..."] if len(words) > _SHOWN else [])]
    return f"known: {', '.join(shown)}" if words else ""

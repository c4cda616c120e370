"""The input of this room, a checked document, and the functions that make messages with places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.similar import similar

if TYPE_CHECKING:
    from .shape import ManifestDoc

PROFILES = "RECONCILER_PROFILES"  # names of the active profiles, separated by commas
ALL_PROFILES = "*"  # as a name: every profile is active
_KEY_OF_INSTANCE = re.compile(r"\[[^\]]*\]")
_SHOWN = 14  # the most words that a suggestion lists


def active_profiles(env: Mapping[str, str]) -> frozenset[str]:
    """The names of the profiles that the environment activates."""
    return frozenset(filter(None, map(str.strip, env.get(PROFILES, "").split(","))))


class Source(Struct, frozen=True):
    """The bytes of one manifest. `file` is its name in messages."""

    file: str
    data: bytes


class ManifestContext(Struct, frozen=True):
    """What a manifest may refer to. `root` and `home` are absolute paths; `env` is the environment."""

    root: str
    home: str
    env: Mapping[str, str]
    default_project: str

    @property
    def profiles(self) -> frozenset[str]:
        """The names of the active profiles."""
        return active_profiles(self.env)


class Document(Struct, frozen=True):
    """One manifest that has the right shape.

    `places` maps a dotted path like `workspaces.lab.agents.claude` to the line and column of its key, both from 1.
    `digest` is the SHA-256 of the file's bytes.
    """

    file: str
    digest: str
    content: ManifestDoc
    places: Mapping[str, tuple[int, int]]
    elsewhere: Mapping[str, Place] = field(default_factory=dict)
    """The places of what another file with `merge: true` changed here, by dotted path."""
    damaged: bool = False
    """Whether invalid parts were left out."""

    def place(self, path: str) -> Place:
        """The place of `path`, or of the nearest enclosing key that has a place. An instance is at its block."""
        if "[" in path:
            path = _KEY_OF_INSTANCE.sub("", path)
        if not self.elsewhere:
            return place_of(self.file, self.places, path)
        while path and path not in self.places and path not in self.elsewhere:
            path = path.rpartition(".")[0]
        return self.elsewhere.get(path) or place_of(self.file, self.places, path)


def place_of(file: str, places: Mapping[str, tuple[int, int]], path: str) -> Place:
    """The place of `path`, or of the nearest enclosing key that has a place."""
    while path and path not in places:
        path = path.rpartition(".")[0]
    return Place(file, *places.get(path, (1, 1)))


def mistake(summary: str, place: Place, *, detail: str = "", fix: str = "") -> Diagnostic:
    """An error in a manifest."""
    return Diagnostic(Severity.ERROR, summary, detail, fix, place=place)


def suggestion(word: str, words: list[str]) -> str:
    """Advice with the word that is most similar to `word`; the known `words` if none is similar."""
    if close := similar(word, words):
        return f"did you mean `{close[0]}`?"
    shown = [*sorted(words)[:_SHOWN], *(["..."] if len(words) > _SHOWN else [])]
    return f"known: {', '.join(shown)}" if words else ""

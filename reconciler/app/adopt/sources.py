"""The sources of `adopt`: the registry, the tmux server, job records, a broker's folder, files of other tools."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from reconciler.model.errors import UsageError


class SourceKind(StrEnum):
    """The sources that --from accepts."""

    REGISTRY = "registry"
    TMUX = "tmux"
    JOBS = "jobs"
    BROKER = "broker"
    TMUXP = "tmuxp"
    TMUXINATOR = "tmuxinator"
    AGENT_DECK = "agent-deck"
    CLAUDE_SQUAD = "claude-squad"


OWN = (SourceKind.REGISTRY, SourceKind.TMUX, SourceKind.JOBS, SourceKind.BROKER)
NAMED = frozenset({SourceKind.TMUXP, SourceKind.TMUXINATOR})
"""The sources that need a file, or the name of a stored project."""
_RUN_AGENTS = frozenset({SourceKind.AGENT_DECK, SourceKind.CLAUDE_SQUAD})
"""Tools that run agents. Their sessions must be imported, too, or `apply` would start each agent a second time."""
OTHERS = tuple(f"{kind} FILE" if kind in NAMED else str(kind) for kind in SourceKind if kind not in OWN)
"""The sources of other tools, as typed on the command line."""


class AdoptionSource(Struct, frozen=True):
    """One source; `name` is a file, or a project or profile of another tool; empty means everything."""

    kind: SourceKind
    name: str = ""


class AdoptionSources(Struct, frozen=True):
    """The sources in order: if two contradict each other, the first one counts. `folder` is the project's, if named."""

    sources: tuple[AdoptionSource, ...]
    folder: str = ""

    def has(self, kind: SourceKind) -> bool:
        """Whether this kind of source is included."""
        return any(source.kind is kind for source in self.sources)

    @property
    def tools(self) -> tuple[AdoptionSource, ...]:
        """The sources that other tools wrote."""
        return tuple(source for source in self.sources if source.kind not in OWN)


def chosen_sources(named: Sequence[str], words: Iterable[str]) -> AdoptionSources:
    """Parse `--from KIND`, `--from KIND:NAME` and the other words of the command.

    Each word is the name for the first source that needs one and has none. A remaining word is the project's folder.

    Raises:
        UsageError: A source is not known or needs a name, or a word remains.
    """
    left = list(words)
    found = [_source(each) for each in named] or [AdoptionSource(kind) for kind in OWN]
    folder = _folder(left, sum(source.kind in NAMED and not source.name for source in found))
    complete = tuple(_completed(source, left) for source in found)
    if left:
        raise UsageError(f"unexpected argument: {left[0]}", fix="reconciler adopt [DIR] [--from tmuxp FILE]")
    return AdoptionSources(_with_tmux(complete), folder)


def _with_tmux(sources: tuple[AdoptionSource, ...]) -> tuple[AdoptionSource, ...]:
    kinds = {source.kind for source in sources}
    needs_tmux = kinds & _RUN_AGENTS and SourceKind.TMUX not in kinds
    return (*sources, AdoptionSource(SourceKind.TMUX)) if needs_tmux else sources


def _folder(words: list[str], needed: int) -> str:
    """Remove the project folder from the words, if there are more words than needed names.

    It is the first word that is an existing folder, else the first word.
    """
    if len(words) <= needed:
        return ""
    index = next((place for place, word in enumerate(words) if os.path.isdir(word)), 0)
    return words.pop(index)


def _source(text: str) -> AdoptionSource:
    kind, _, name = text.partition(":")
    if kind not in set(SourceKind):
        raise UsageError(f"{kind!r} is not a source", fix=f"--from takes {', '.join(SourceKind)}")
    return AdoptionSource(SourceKind(kind), name)


def _completed(source: AdoptionSource, words: list[str]) -> AdoptionSource:
    if source.name or source.kind not in NAMED:
        return source
    if not words:
        raise UsageError(f"--from {source.kind} needs a file", fix=f"reconciler adopt --from {source.kind} FILE")
    return AdoptionSource(source.kind, words.pop(0))

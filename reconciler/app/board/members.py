"""Which projects a board shows: given ones, or all that are noted, also those that are noted while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.project.noted import NotedProject, NotedProjects, damaged_notes, open_noted_projects
from reconciler.app.project.notes import notes_folder
from reconciler.app.project.project import Project
from reconciler.model.diagnostic import Diagnostic
from reconciler.ports.tmux import RealTmux


def _alone() -> Iterable[NotedProject]:
    return ()


class BoardMember(Struct, frozen=True):
    """A project on a board. Members with the same `server` share one look at it."""

    at: Project
    server: str = ""
    noted: NotedProject | None = None
    others: Callable[[], Iterable[NotedProject]] = _alone
    """All noted projects: one of them may be where a missing project was moved to."""


class BoardMembers(Protocol):
    """The projects of a board."""

    @property
    def changes(self) -> bool:
        """Whether projects may come and go."""

    @property
    def damaged(self) -> Sequence[Diagnostic]:
        """The errors about notes that cannot be read."""

    def find(self) -> Sequence[BoardMember]:
        """The projects now; one that is still the same is the same value as before. Raises ReconcilerError."""


@dataclass(slots=True)
class GivenProjects:
    """These projects, always."""

    projects: Sequence[Project]

    @property
    def changes(self) -> bool:
        """No."""
        return False

    @property
    def damaged(self) -> Sequence[Diagnostic]:
        """None: their notes are not read."""
        return ()

    def find(self) -> Sequence[BoardMember]:
        """Each by itself."""
        return [BoardMember(at, at.registry_path) for at in self.projects]


@dataclass(slots=True)
class AllNoted:
    """All projects that are noted on this machine. The notes are read again only if their folder changed."""

    _mark: int = -1
    _found: NotedProjects | None = None
    _members: dict[str, BoardMember] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Yes."""
        return True

    @property
    def damaged(self) -> Sequence[Diagnostic]:
        """The errors about notes that cannot be read."""
        return damaged_notes(self._found) if self._found else ()

    def find(self) -> Sequence[BoardMember]:
        """The noted projects, sorted by folder. Raises ReconcilerError if the notes cannot be read."""
        mark = _mark_of_notes()
        if self._found is None or mark != self._mark:
            self._found = open_noted_projects()
            self._members = {each.file: self._member(each) for each in self._found.projects}
            self._mark = mark
        return list(self._members.values())

    def _member(self, noted: NotedProject) -> BoardMember:
        before = self._members.get(noted.file)
        if before and before.noted and _is_same(before.noted, noted):
            return before
        alone = replace(noted.at, connect=RealTmux)  # an action never acts on the look of another project
        return BoardMember(alone, os.path.realpath(noted.note.socket), noted, self._all)

    def _all(self) -> Iterable[NotedProject]:
        return self._found.projects if self._found else ()


def _is_same(before: NotedProject, now: NotedProject) -> bool:
    """Whether two notes differ at most in the time of the last apply."""
    return replace(before.note, applied="") == replace(now.note, applied="")


def _mark_of_notes() -> int:
    """What changes when a note is written or removed; 0 without any."""
    env = os.environ
    try:
        return os.stat(notes_folder(env, env.get("HOME") or os.path.expanduser("~"))).st_mtime_ns
    except OSError:
        return 0

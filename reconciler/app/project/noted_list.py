"""List the noted projects, and forget one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from reconciler.app.project.noted import NotedProjects, find_noted, open_noted_projects
from reconciler.app.project.notes import notes_folder
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.project_note import ListedProject, NoteStanding
from reconciler.ports.clock import RealClock
from reconciler.render.documents.projects import ProjectsDoc
from reconciler.render.documents.projects_forget import ForgottenDoc
from reconciler.render.projects import forgotten_document, projects_document
from reconciler.state.project_notes import remove_note

_LISTED = 20


def list_projects() -> ProjectsDoc:
    """Every noted project, and whether it is still there. Raises ReconcilerError if the notes cannot be read."""
    home = os.environ.get("HOME") or os.path.expanduser("~")
    return projects_document(notes_folder(os.environ, home), _listed(open_noted_projects()))


def forget_project(word: str) -> ForgottenDoc:
    """Remove the note of the project whose folder, registry or note file is `word`, or whose folder alone contains it.

    Nothing else is changed.

    Raises:
        UsageError: No project is meant, or several are: they are listed.
        ReconcilerError: The notes cannot be read, or the note cannot be removed.
    """
    found = open_noted_projects()
    whole = [ListedProject(each.file, NoteStanding.HERE, note=each.note) for each in found.projects]
    damaged = [ListedProject(each.file, NoteStanding.UNREADABLE, each.trouble) for each in found.damaged]
    meant = _the_one(word, [*whole, *damaged])
    try:
        remove_note(meant.file)
    except OSError as error:
        raise ReconcilerError(f"{meant.file} cannot be removed", detail=error.strerror or "") from error
    return forgotten_document(meant)


def noted_folders() -> list[str]:
    """The folders of all noted projects, for shell completion; none if the notes cannot be read."""
    try:
        return [each.note.root for each in open_noted_projects().projects]
    except ReconcilerError:
        return []


def now() -> datetime:
    """The current moment, in UTC."""
    return RealClock().now()


def _listed(found: NotedProjects) -> list[ListedProject]:
    listed = [
        ListedProject(each.file, there.standing, there.reason, each.note)
        for each in found.projects
        for there in [find_noted(each, found.projects)]
    ]
    damaged = [ListedProject(each.file, NoteStanding.UNREADABLE, each.trouble) for each in found.damaged]
    return [*listed, *damaged]


def _the_one(word: str, listed: Sequence[ListedProject]) -> ListedProject:
    """The one that is meant: a whole path wins, then a part of a folder's path."""
    path = os.path.abspath(os.path.expanduser(word)) if word else ""
    meant = [each for each in listed if path in _paths(each)] or [each for each in listed if _has(each, word)]
    match meant:
        case [one]:
            return one
        case []:
            raise UsageError(f"no noted project is called {word}", fix="`reconciler projects list` lists all")
        case several:
            lines = [each.note.registry if each.note else each.file for each in several[:_LISTED]]
            more = [f"and {len(several) - _LISTED} more"] if len(several) > _LISTED else []
            fix = "type more of the folder, or the path of its registry"
            raise UsageError(f"{word} matches {len(several)} projects", detail="\n".join([*lines, *more]), fix=fix)


def _paths(listed: ListedProject) -> tuple[str, ...]:
    return (listed.file, *((listed.note.root, listed.note.registry) if listed.note else ()))


def _has(listed: ListedProject, word: str) -> bool:
    return bool(word) and word in (listed.note.root if listed.note else os.path.basename(listed.file))

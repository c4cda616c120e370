"""Where the notes about the projects of this user are, and which project a lineage belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.app.project.places import state_home
from reconciler.model.errors import ReconcilerError
from reconciler.state.project_notes import fence_notes, stored_notes


def notes_folder(env: Mapping[str, str], home: str) -> str:
    """The folder of the notes; from now on, no link in the way to it is followed."""
    base = state_home(env, home)
    folder = os.path.join(base, "reconciler", "projects")
    fence_notes(base, folder)
    return folder


def noted_places(env: Mapping[str, str], home: str, lineage: str) -> tuple[tuple[str, str], ...]:
    """The folder and the registry of each noted project with this lineage; none if the notes cannot be read."""
    try:
        notes = [each.note for each in stored_notes(notes_folder(env, home)) if each.note]
    except ReconcilerError:
        return ()
    return tuple((note.root, note.registry) for note in notes if note.lineage == lineage != "")

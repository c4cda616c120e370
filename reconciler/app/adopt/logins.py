"""Find passwords in job records, and move them to safe files."""

from __future__ import annotations

import os

from msgspec import Struct

from reconciler.app.jobs.records import records_of
from reconciler.app.project.manifests import display_path
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.jobs.logins import RecordChange, carry_out, look_into
from reconciler.model.adoption import LeftAlone
from reconciler.model.adoption_plan import SecuredFile


class FoundLogins(Struct, frozen=True):
    """The changes to job records: `files` for the user, `changes` to carry out."""

    files: tuple[SecuredFile, ...] = ()
    changes: tuple[RecordChange, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()


def found_logins(at: Project) -> FoundLogins:
    """The job records that contain a password, or that other users can read.

    Raises:
        ReconcilerError: The folder of the records cannot be read.
    """
    if not os.path.isdir(os.path.join(at.root, JOB_RECORDS)):
        return FoundLogins()
    found = look_into(records_of(at, JOB_RECORDS))
    files = tuple(_secured(change) for change in found.changes)
    return FoundLogins(files, found.changes, found.left_alone)


def make_safe(at: Project, change: RecordChange) -> None:
    """Carry out one change. Raises ReconcilerError; a record is never left half written."""
    carry_out(records_of(at, JOB_RECORDS), change)


def _secured(change: RecordChange) -> SecuredFile:
    password = f"the broker password of {change.username}" if change.username else "the broker's password"
    why = f"it contains {password} in plain text" if change.password_file else "other users can read its token"
    moved = f"{password} -> {display_path(change.password_file)} (mode 0600)" if change.password_file else ""
    narrow = "mode -> 0600" if change.narrow else ""
    effect = "; ".join(filter(None, (moved, narrow)))
    return SecuredFile(display_path(change.path), change.place.line, why, effect)

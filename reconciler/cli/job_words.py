"""Read the options that several job commands share."""

from __future__ import annotations

import os

from reconciler.app.jobs.records import records_in, records_of
from reconciler.app.project.project import find_project
from reconciler.jobs.record import Records
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError


def find_records(chdir: str, registry: str, registry_dir: str) -> Records:
    """The job records. An absolute folder, which hooks pass, is used without loading the project, which is faster."""
    if os.path.isabs(registry_dir):
        return records_in(registry_dir, dict(os.environ))
    return records_of(find_project(chdir, registry), registry_dir)


def existing_path(path: str) -> str:
    """The path. Raises UsageError if it does not exist."""
    if not os.path.exists(path):
        raise UsageError(f"{path} does not exist", fix="check the path")
    return path


def positive_seconds(text: str, option: str) -> float:
    """The duration of an option, in seconds. Raises UsageError if it is not more than 0."""
    found = seconds(text)
    if found <= 0:
        raise UsageError(f"{option} is {text}, but must be more than 0", fix=f"for example: {option} 30m")
    return found

"""Where job records are. Agents wait for the commands that load this file, so it imports little."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.app.project.fences import fence_records
from reconciler.app.project.places import JOB_RECORDS
from reconciler.jobs.record import Records
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles

if TYPE_CHECKING:
    from reconciler.app.project.project import Project


def records_of(at: Project, registry_dir: str) -> Records:
    """The job records in a folder that is relative to the project's folder."""
    folder = os.path.abspath(os.path.join(at.root, os.path.expanduser(registry_dir)))
    fence_records(folder)
    return Records(folder, at.files, at.clock, at.env, _project_of(folder))


def records_in(folder: str, env: Mapping[str, str]) -> Records:
    """The job records in an absolute folder, as hooks of agents name it; no project is needed."""
    path = os.path.normpath(folder)
    fence_records(path)
    return Records(path, RealFiles(), RealClock(), env, _project_of(path))


def _project_of(folder: str) -> str:
    """The project folder that the original scripts would have made `folder` in; all commands find the same one."""
    own = f"{os.sep}{JOB_RECORDS}"
    return folder.removesuffix(own) if folder.endswith(own) else os.path.dirname(folder)

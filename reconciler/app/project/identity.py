"""Whose the documents of a project are."""

from __future__ import annotations

import os
import pwd

from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.project_identity import ProjectIdentity, ShortNames
from reconciler.ports.origin import host_name, machine_digest
from reconciler.render.document import Whose
from reconciler.state.registry import read

_SAME_EVERYWHERE = "localhost"  # as a value, it means the same on each host


def whose(at: Project, lineage: str) -> Whose:
    """Whose a document about this project is; `lineage` is that of its registry."""
    return Whose(identity_of(at, lineage), short_names(at))


def identity_of(at: Project, lineage: str) -> ProjectIdentity:
    """The machine, the user and the project."""
    return ProjectIdentity(
        host=host_name(),
        machine=machine_digest(),
        user=_user(),
        home=at.home,
        project=os.path.realpath(at.root),
        lineage=lineage,
    )


def identity_now(at: Project) -> ProjectIdentity:
    """The identity with the lineage that the registry has now; none if the registry cannot be read."""
    try:
        return identity_of(at, read(at.registry).record.lineage)
    except ReconcilerError:
        return identity_of(at, "")


def short_names(at: Project) -> ShortNames:
    """What stands for the folders and the host in a shape."""
    projects, homes = {at.root, os.path.realpath(at.root)}, {at.home, os.path.realpath(at.home)}
    named = {**dict.fromkeys(homes, "~"), **dict.fromkeys(projects, ".")}
    paths = [(path, short) for path, short in named.items() if path not in {"", os.sep}]
    host = host_name()
    longest_first = tuple(sorted(paths, key=lambda pair: (-len(pair[0]), pair[0])))
    return ShortNames(longest_first, "" if host == _SAME_EVERYWHERE else host)


def _user() -> str:
    """The user's name, or the number of a user without a name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())

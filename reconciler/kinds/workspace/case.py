"""What is known about one workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.desired import Workspace
from reconciler.model.observed import Observed, Present
from reconciler.model.record import WorkspaceRow
from reconciler.model.snapshot import Folder

if TYPE_CHECKING:
    from reconciler.model.obstacle import Obstacle


class WorkspaceCase(Struct, frozen=True):
    """All that is known about one wanted workspace."""

    spec: Workspace
    row: WorkspaceRow | None
    folder: Observed[Folder]
    repo: str = ""
    """The real path of its repository."""
    obstacle: Obstacle | None = None
    """Why it cannot be created."""
    rival: Workspace | None = None
    """Another wanted workspace that is to be a worktree of the same branch."""


def settled(case: WorkspaceCase) -> bool:
    """True when the folder is there as declared: the common case, which needs no closer look."""
    if not isinstance(case.folder, Present) or not case.folder.value.is_folder:
        return False
    if case.row is not None and (case.row.path != case.spec.path or not case.row.managed):
        return False
    git, tree = case.spec.git, case.folder.value.worktree
    return git is None or (tree is not None and tree.branch == git.branch and tree.repo == (case.repo or git.repo))

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
    """All that is known about one wanted workspace.

    `repo` is the real path of its repository, `obstacle` what keeps it from being made, and `rival` another wanted
    workspace that is to be a worktree of the same branch.
    """

    spec: Workspace
    row: WorkspaceRow | None
    folder: Observed[Folder]
    repo: str = ""
    obstacle: Obstacle | None = None
    rival: Workspace | None = None


def settled(case: WorkspaceCase) -> bool:
    """True when the folder is there as declared: the common case, and the cheap one."""
    if not isinstance(case.folder, Present) or not case.folder.value.is_folder:
        return False
    if case.row is not None and (case.row.path != case.spec.path or not case.row.managed):
        return False
    git, tree = case.spec.git, case.folder.value.worktree
    return git is None or (tree is not None and tree.branch == git.branch and tree.repo == (case.repo or git.repo))

"""What prevents the creation of workspaces."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.model.desired import Workspace
from reconciler.model.obstacle import Obstacle, ObstacleKind
from reconciler.ports.world import Files


def obstacles(wanted: Iterable[Workspace], leaving: Collection[str], files: Files) -> dict[str, Obstacle]:
    """What prevents the creation of each workspace, by path, without what the same apply settles.

    The apply creates branches that others start at, and removes the worktrees in the `leaving` folders.
    """
    made: set[tuple[str, str]] = set()
    found: dict[str, Obstacle] = {}
    for spec in wanted:
        obstacle = files.obstacle(spec.path, spec.git)
        if obstacle and not _is_cleared(spec, obstacle, made, leaving):
            found[spec.path] = obstacle
        elif spec.git:
            made.add((spec.git.repo, spec.git.branch))
    return found


def _is_cleared(
    spec: Workspace, obstacle: Obstacle, made: Collection[tuple[str, str]], leaving: Collection[str]
) -> bool:
    match obstacle.kind:
        case ObstacleKind.TAKEN:
            return obstacle.subject in leaving
        case ObstacleKind.NO_BASE:
            return spec.git is not None and (spec.git.repo, spec.git.base) in made
        case _:
            return False

"""What is in the way of workspaces that have to be made."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.model.desired import Workspace
from reconciler.model.obstacle import Obstacle, ObstacleKind
from reconciler.ports.world import Files


def obstacles(wanted: Iterable[Workspace], leaving: Collection[str], files: Files) -> dict[str, Obstacle]:
    """What keeps each of these workspaces from being made, by path, unless the same apply clears it away.

    It makes branches that others start at, and removes the worktrees in the folders that are `leaving`.
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

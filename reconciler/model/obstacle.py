"""What keeps a workspace from being made, and what the user does about it."""

from __future__ import annotations

from enum import StrEnum
from shlex import quote

from msgspec import Struct

from .desired import Git
from .problem import Problem


class ObstacleKind(StrEnum):
    """What is in the way of a new workspace."""

    NO_FOLDER = "no folder"  # something that is not a folder, where the workspace or a folder above it would be
    LOCKED = "locked"  # the folder in which it would be made may not be written to
    NO_GIT = "no git"  # git cannot be run, or gives no answer
    NO_REPO = "no repo"  # nothing is where the repository should be
    NOT_A_REPO = "not a repo"  # git does not take it for a repository
    BAD_BRANCH = "bad branch"
    TAKEN = "taken"  # the branch is checked out somewhere else
    NO_BASE = "no base"  # the repository does not know the commit that the branch shall start at
    NO_COMMIT = "no commit"  # a new branch would start at HEAD, which has no commit


class Obstacle(Struct, frozen=True):
    """One thing that is in the way; `seen` is the path that it is about, or git's own words."""

    kind: ObstacleKind
    seen: str = ""

    @property
    def is_of_the_manifest(self) -> bool:
        """Whether it is in the way on every machine, at all times."""
        return self.kind is ObstacleKind.BAD_BRANCH


_NOTHING = Git("", "")


def describe_obstacle(obstacle: Obstacle, path: str, git: Git | None) -> Problem:
    """The obstacle of a new workspace at `path`, in words for the user."""
    return _folder(obstacle, path) or _repository(obstacle, git or _NOTHING) or _start(obstacle, git or _NOTHING)


def _folder(obstacle: Obstacle, path: str) -> Problem | None:
    seen = obstacle.seen
    match obstacle.kind:
        case ObstacleKind.NO_FOLDER:
            return Problem(
                f"{path} cannot be made: {seen} is not a folder",
                "it is a file, or a link that leads nowhere",
                f"correct `path`, or move {seen} away",
            )
        case ObstacleKind.LOCKED:
            return Problem(
                f"{path} cannot be made: you cannot write to {seen}",
                "",
                f"correct `path`, or make it and give it to your user: sudo install -d -o $USER {quote(path)}",
            )
        case _:
            return None


def _repository(obstacle: Obstacle, git: Git) -> Problem | None:
    match obstacle.kind:
        case ObstacleKind.NO_GIT:
            return Problem("git cannot tell whether the worktree can be made", obstacle.seen, "see that `git` works")
        case ObstacleKind.NO_REPO:
            return Problem(
                f"the repository {git.repo} does not exist",
                "the workspace is a worktree of it (`git.repo`)",
                f"correct `git.repo`, or bring the repository there: git clone URL {quote(git.repo)}",
            )
        case ObstacleKind.NOT_A_REPO:
            return Problem(
                f"{git.repo} is not a git repository that can be used (`git.repo`)",
                obstacle.seen,
                f"correct `git.repo`; `git -C {quote(git.repo)} status` must work",
            )
        case _:
            return None


def _start(obstacle: Obstacle, git: Git) -> Problem:
    match obstacle.kind:
        case ObstacleKind.BAD_BRANCH:
            return Problem(
                f"{git.branch!r} is not a valid name for a branch",
                "git check-ref-format refuses it",
                "correct `git.branch`; `git help check-ref-format` has the rules",
            )
        case ObstacleKind.TAKEN:
            return Problem(
                f"branch {git.branch} of {git.repo} is checked out in {obstacle.seen}",
                "git checks out a branch in one worktree only",
                f"choose another `git.branch`, or free it: git -C {quote(obstacle.seen)} switch OTHER-BRANCH",
            )
        case ObstacleKind.NO_BASE:
            return Problem(
                f"base {git.base!r} does not exist in {git.repo}",
                f"the new branch {git.branch} shall start at it (`git.base`)",
                f"correct `git.base`, or fetch it: git -C {quote(git.repo)} fetch --all --tags",
            )
        case _:
            return Problem(
                f"{git.repo} has no commit yet",
                f"the new branch {git.branch} would start at its HEAD",
                f"make a first commit in {git.repo}, or name a `git.base`",
            )

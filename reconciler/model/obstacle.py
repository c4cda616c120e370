"""What prevents a workspace from being created, and what the user can do about it."""

from __future__ import annotations

from enum import StrEnum
from shlex import quote

from msgspec import Struct

from .desired import Git
from .problem import Problem


class ObstacleKind(StrEnum):
    """What prevents a new workspace."""

    NO_FOLDER = "no folder"  # a file or broken link is where the workspace or a parent folder would be
    LOCKED = "locked"  # the parent folder is not writable
    NO_GIT = "no git"  # git cannot be run, or does not answer
    NO_REPO = "no repo"  # the repository does not exist
    NOT_A_REPO = "not a repo"  # git says that it is not a repository
    BAD_BRANCH = "bad branch"
    TAKEN = "taken"  # the branch is checked out somewhere else
    NO_BASE = "no base"  # the repository does not have the commit at which the branch should start
    NO_COMMIT = "no commit"  # a new branch would start at HEAD, which has no commit


class Obstacle(Struct, frozen=True):
    """One obstacle. `subject` is the path that it is about, or the message of git."""

    kind: ObstacleKind
    subject: str = ""

    @property
    def is_manifest_error(self) -> bool:
        """Whether only an edit of the manifest can remove it: it exists on every machine."""
        return self.kind is ObstacleKind.BAD_BRANCH


_NOTHING = Git("", "")


def describe_obstacle(obstacle: Obstacle, path: str, git: Git | None) -> Problem:
    """The message to the user about an obstacle to a new workspace at `path`."""
    return _folder(obstacle, path) or _repository(obstacle, git or _NOTHING) or _start(obstacle, git or _NOTHING)


def _folder(obstacle: Obstacle, path: str) -> Problem | None:
    subject = obstacle.subject
    match obstacle.kind:
        case ObstacleKind.NO_FOLDER:
            return Problem(
                f"{path} cannot be made: {subject} is not a folder",
                "it is a file or a broken link",
                f"correct `path`, or move {subject} away",
            )
        case ObstacleKind.LOCKED:
            return Problem(
                f"{path} cannot be made: you cannot write to {subject}",
                "",
                f"correct `path`, or make it and give it to your user: sudo install -d -o $USER {quote(path)}",
            )
        case _:
            return None


def _repository(obstacle: Obstacle, git: Git) -> Problem | None:
    match obstacle.kind:
        case ObstacleKind.NO_GIT:
            return Problem(
                "git does not say whether the worktree can be made", obstacle.subject, "make sure that `git` works"
            )
        case ObstacleKind.NO_REPO:
            return Problem(
                f"the repository {git.repo} does not exist",
                "the workspace is a worktree of it (`git.repo`)",
                f"correct `git.repo`, or clone the repository: git clone URL {quote(git.repo)}",
            )
        case ObstacleKind.NOT_A_REPO:
            return Problem(
                f"{git.repo} is not a usable git repository (`git.repo`)",
                obstacle.subject,
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
                f"branch {git.branch} of {git.repo} is checked out in {obstacle.subject}",
                "git checks out a branch in one worktree only",
                f"choose another `git.branch`, or free it: git -C {quote(obstacle.subject)} switch OTHER-BRANCH",
            )
        case ObstacleKind.NO_BASE:
            return Problem(
                f"base {git.base!r} does not exist in {git.repo}",
                f"the new branch {git.branch} should start at it (`git.base`)",
                f"correct `git.base`, or fetch it: git -C {quote(git.repo)} fetch --all --tags",
            )
        case _:
            return Problem(
                f"{git.repo} has no commit yet",
                f"the new branch {git.branch} would start at its HEAD",
                f"make a first commit in {git.repo}, or name a `git.base`",
            )

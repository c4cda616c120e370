"""What stands in a git worktree or repository beside its last commit and its base."""

from __future__ import annotations

from msgspec import Struct


class ChangedFile(Struct, frozen=True):
    """One file: its two letters of `git status`, or the lines that were added and removed; None for a binary one."""

    path: str
    status: str = ""
    added: int | None = None
    removed: int | None = None


class GitWork(Struct, frozen=True):
    """The work in a folder that is under git.

    `against` is the upstream, else the base, else the main branch; empty where there is none. `ahead` and `behind`
    count commits and are None without it. `changed` is what differs from where both part, or from the last commit,
    uncommitted work included.
    """

    folder: str
    branch: str
    commit: str
    against: str = ""
    ahead: int | None = None
    behind: int | None = None
    uncommitted: tuple[ChangedFile, ...] = ()
    changed: tuple[ChangedFile, ...] = ()

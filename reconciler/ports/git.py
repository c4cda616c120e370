"""Git worktrees: seen without a git process where that is enough, and with git where it is not."""

from __future__ import annotations

import os
from dataclasses import replace

from reconciler.model.desired import Git
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.secrets import without_logins
from reconciler.model.snapshot import Worktree

from . import own

# What `git rev-parse --local-env-vars` names: set inside a hook, they would lead git elsewhere.
_LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_LONGEST_LINE = 1 << 16
_LOOK_SECONDS = 30
_CHECKOUT_SECONDS = 600


def linked_worktree(path: str) -> Worktree | None:
    """The worktree at `path` with its repository and branch, or None when it is no linked one.

    Reads three small files (gitrepository-layout(5)); a detached HEAD shows as its short hash.

    Raises:
        OSError: One of the files is there and cannot be read.
    """
    gitdir = _pointer(os.path.join(path, ".git"), "gitdir: ")
    if not gitdir:
        return None
    private = os.path.join(path, gitdir)
    common = _pointer(os.path.join(private, "commondir"))
    head = _pointer(os.path.join(private, "HEAD"))
    if not common or not head:  # a submodule, or a worktree whose repository is gone
        return None
    repo = os.path.realpath(os.path.join(private, common))
    return Worktree(repo.removesuffix("/.git"), _branch(head))


def with_work(path: str, linked: Worktree) -> Observed[Worktree]:
    """The worktree with the number of its uncommitted entries and of its unpushed commits.

    Unpushed is what no other branch and no remote has.
    """
    try:
        dirty = _git(path, "status", "--porcelain")
        others = ["HEAD", "--not", f"--exclude={linked.branch}", "--branches", "--remotes"]
        unpushed = _git(path, "rev-list", "--count", *others, "--")
    except ReconcilerError as error:
        return Unknown(f"{path}: {error.summary}: {error.detail}")
    return Present(replace(linked, dirty=len(dirty.splitlines()), unpushed=int(unpushed)))


def add_worktree(path: str, git: Git) -> None:
    """Make `path` a worktree; a missing branch starts at `git.base`, else at the repo's HEAD.

    Raises:
        ReconcilerError: git refused; its words are in `detail`.
    """
    if not _succeeds(git.repo, "check-ref-format", "--branch", git.branch):
        raise ReconcilerError(f"{git.branch!r} is no name for a branch", fix="see `git help check-ref-format`")
    if _succeeds(git.repo, "show-ref", "--verify", "--quiet", f"refs/heads/{git.branch}"):
        _git(git.repo, "worktree", "add", "--", path, git.branch, seconds=_CHECKOUT_SECONDS)
        return
    start = _git(git.repo, "rev-parse", "--verify", "--end-of-options", f"{git.base or 'HEAD'}^{{commit}}").strip()
    _git(git.repo, "worktree", "add", "-b", git.branch, "--", path, start, seconds=_CHECKOUT_SECONDS)


def remove_worktree(path: str, repo: str) -> None:
    """Remove a clean worktree; its branch stays.

    Raises:
        ReconcilerError: git refused, as it does when there is uncommitted work.
    """
    _git(repo, "worktree", "remove", "--", path)


def _pointer(file: str, prefix: str = "") -> str:
    """The one line that git keeps in `file`, without its prefix; empty when it is no such file."""
    try:
        with own.regular(file) as content:
            line = content.readline(_LONGEST_LINE).decode(errors="surrogateescape").rstrip("\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    return line.removeprefix(prefix) if line.startswith(prefix) else ""


def _branch(head: str) -> str:
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else head[:7]


def _succeeds(folder: str, *arguments: str) -> bool:
    status, _, _ = _run(folder, arguments, _LOOK_SECONDS)
    return status == 0


def _git(folder: str, *arguments: str, seconds: int = _LOOK_SECONDS) -> str:
    """What git prints.

    Raises:
        ReconcilerError: It failed, or is not there, or took longer than `seconds`.
    """
    status, output, complaint = _run(folder, arguments, seconds)
    if status:
        raise ReconcilerError(f"git {' '.join(arguments[:2])} failed", detail=without_logins(complaint.strip()))
    return output


def _run(folder: str, arguments: tuple[str, ...], seconds: int) -> tuple[int, str, str]:
    import subprocess  # noqa: PLC0415 - most plans look at no worktree

    environment = {k: v for k, v in os.environ.items() if k not in _LOCAL} | _QUIET
    command = ["git", "-C", folder, *arguments]
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=environment,
            timeout=seconds,
        )
    except FileNotFoundError as error:
        raise ReconcilerError("git is not installed", fix="install the package `git`") from error
    except subprocess.TimeoutExpired as error:
        raise ReconcilerError(f"git gave no answer in {seconds} s", detail=folder) from error
    return done.returncode, done.stdout, done.stderr

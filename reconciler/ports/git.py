"""Git worktrees: read from their files if that is enough, else with git."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.model.desired import Git
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.obstacle import Obstacle, ObstacleKind, describe_obstacle
from reconciler.model.secrets import without_logins
from reconciler.model.snapshot import Worktree

from . import own_files

# Variables from `git rev-parse --local-env-vars`. In a git hook they are set, and git would use another repository.
_LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # else a partial clone would fetch, with programs from the repository's configuration
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
# A repository's configuration can name programs to run. An agent can write it, so all of these are switched off.
_HARMLESS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.alternateRefsCommand=",
    "credential.helper=",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
_FILTER_OFF = {"clean": "", "smudge": "", "process": "", "required": "false"}
_USERS_OWN = frozenset({"system", "global", "command"})
_LONGEST_LINE = 1 << 16
_LOOK_SECONDS = 30
_CHECKOUT_SECONDS = 600


def linked_worktree(path: str) -> Worktree | None:
    """The worktree at `path` with its repository and branch, or None when it is not a linked worktree.

    It reads three small files (gitrepository-layout(5)). The branch of a detached HEAD is its short hash.

    Raises:
        OSError: One of the files exists but cannot be read.
    """
    gitdir = _pointer(os.path.join(path, ".git"), "gitdir: ")
    if not gitdir:
        return None
    private = os.path.join(path, gitdir)
    common = _pointer(os.path.join(private, "commondir"))
    head = _pointer(os.path.join(private, "HEAD"))
    if not common or not head:  # a submodule, or a worktree whose repository is missing
        return None
    repo = os.path.realpath(os.path.join(private, common))
    return Worktree(repo.removesuffix("/.git"), _branch(head))


def lost_repository(path: str) -> str:
    """The path at which the worktree at `path` expects its repository, if nothing is there; else empty.

    Raises:
        OSError: A file exists but cannot be read.
    """
    gitdir = _pointer(os.path.join(path, ".git"), "gitdir: ")
    private = os.path.join(path, gitdir)
    return private if gitdir and not os.path.lexists(private) else ""


def with_work(path: str, linked: Worktree) -> Observed[Worktree]:
    """The worktree with the number of uncommitted entries and of unpushed commits.

    An unpushed commit is on no other branch and no remote.
    """
    try:
        filters = own_filters(path)
        # do not look into submodules: git would use their configuration, which may name programs
        dirty = asked(path, "status", "--porcelain", "--ignore-submodules=dirty", settings=filters)
        others = ["HEAD", "--not", f"--exclude={linked.branch}", "--branches", "--remotes"]
        unpushed = asked(path, "rev-list", "--count", *others, "--")
    except ReconcilerError as error:
        return Unknown(f"{path}: {error.summary}: {error.detail}")
    return Present(replace(linked, dirty=len(dirty.splitlines()), unpushed=int(unpushed)))


def obstacle(path: str, git: Git) -> Obstacle | None:
    """What prevents git from creating a worktree at `path`, or None. Nothing is written.

    The branch may be checked out at `path` itself, because git still lists a worktree whose folder is missing.
    """
    if not os.path.isdir(git.repo):
        return Obstacle(ObstacleKind.NO_REPO, git.repo)
    try:
        status, _, complaint = _run(git.repo, ("rev-parse", "--git-dir"), _LOOK_SECONDS)
        if status:
            return Obstacle(ObstacleKind.NOT_A_REPO, complaint.strip())
        return _branch_obstacle(path, git)
    except ReconcilerError as error:
        return Obstacle(ObstacleKind.NO_GIT, f"{error.summary}: {error.fix or error.detail}")


def _branch_obstacle(path: str, git: Git) -> Obstacle | None:
    if not _succeeds(git.repo, "check-ref-format", "--branch", git.branch):
        return Obstacle(ObstacleKind.BAD_BRANCH, git.branch)
    if _succeeds(git.repo, "show-ref", "--verify", "--quiet", f"refs/heads/{git.branch}"):
        holder = _holder(git)
        taken = holder and os.path.realpath(holder) != os.path.realpath(path)
        return Obstacle(ObstacleKind.TAKEN, holder) if taken else None
    if _succeeds(git.repo, "rev-parse", "--quiet", "--verify", "--end-of-options", _start(git)):
        return None
    return Obstacle(ObstacleKind.NO_BASE, git.base) if git.base else Obstacle(ObstacleKind.NO_COMMIT, git.repo)


def _holder(git: Git) -> str:
    """The worktree that has the branch checked out; empty without one."""
    wanted = f"refs/heads/{git.branch}"
    return next((path for path, facts in _listed(git.repo).items() if facts.get("branch") == wanted), "")


def _start(git: Git) -> str:
    return f"{git.base or 'HEAD'}^{{commit}}"


def add_worktree(path: str, git: Git) -> None:
    """Create a worktree at `path`. A missing branch starts at `git.base`, else at the repository's HEAD.

    If git still lists a worktree at `path` whose folder was deleted, it is created again.

    Raises:
        ReconcilerError: There is an obstacle; git refused, with its message in `detail`; or the deleted worktree has
            commits that are on no branch.
    """
    found = obstacle(path, git)
    if found is None or found.kind is ObstacleKind.TAKEN:
        _unlist_deleted(path, git)
    if found:
        problem = describe_obstacle(found, path, git)
        raise ReconcilerError(problem.summary, detail=problem.detail, fix=problem.fix)
    filters = own_filters(git.repo)
    if _succeeds(git.repo, "show-ref", "--verify", "--quiet", f"refs/heads/{git.branch}"):
        asked(git.repo, "worktree", "add", "--", path, git.branch, seconds=_CHECKOUT_SECONDS, settings=filters)
        return
    start = asked(git.repo, "rev-parse", "--verify", "--end-of-options", _start(git)).strip()
    adding = ("worktree", "add", "-b", git.branch, "--", path, start)
    asked(git.repo, *adding, seconds=_CHECKOUT_SECONDS, settings=filters)


def _unlist_deleted(path: str, git: Git) -> None:
    """Remove the worktree at `path` from git's list if its folder was deleted by hand. Others stay listed."""
    for listed, facts in _listed(git.repo).items():
        if os.path.lexists(listed):
            continue
        if os.path.realpath(listed) == os.path.realpath(path):
            _refuse_loss(listed, facts, git.repo)
            asked(git.repo, "worktree", "remove", "--", listed)
        elif facts.get("branch") == f"refs/heads/{git.branch}":
            fix = f"if it was deleted: git -C {shlex.quote(git.repo)} worktree remove {shlex.quote(listed)}"
            raise ReconcilerError(f"branch {git.branch} is in use by {listed}, which is missing", fix=fix)


def _refuse_loss(path: str, facts: Mapping[str, str], repo: str) -> None:
    """Refuse to drop a deleted worktree that is locked, or whose last commits are on no branch and would be lost."""
    if "locked" in facts:
        fix = f"if it was deleted: git -C {shlex.quote(repo)} worktree unlock {shlex.quote(path)}, then apply again"
        raise ReconcilerError(f"the worktree {path} is missing, and locked in git", detail=facts["locked"], fix=fix)
    head = facts.get("HEAD", "")
    if "detached" not in facts or not head.strip("0"):
        return
    if int(asked(repo, "rev-list", "--count", head, "--not", "--branches", "--remotes", "--tags", "--")):
        fix = f"keep them first: git -C {shlex.quote(repo)} branch NAME {head}"
        raise ReconcilerError(f"the worktree {path} is missing, and its last commits are on no branch", fix=fix)


def _listed(repo: str) -> Mapping[str, Mapping[str, str]]:
    """All worktrees of a repository by path, with the facts that git lists. The main one is included."""
    blocks = asked(repo, "worktree", "list", "--porcelain").split("\n\n")
    entries = [dict(line.partition(" ")[::2] for line in block.splitlines()) for block in blocks]
    return {entry["worktree"]: entry for entry in entries if "worktree" in entry}


def remove_worktree(path: str, repo: str) -> None:
    """Remove a clean worktree; its branch stays.

    Raises:
        ReconcilerError: git refused, as it does when there is uncommitted work.
    """
    asked(repo, "worktree", "remove", "--", path, settings=own_filters(path))


def _pointer(file: str, prefix: str = "") -> str:
    """The first line of `file` without `prefix`; empty when the file is missing or has another prefix."""
    try:
        with own_files.regular(file) as content:
            line = content.readline(_LONGEST_LINE).decode(errors="surrogateescape").rstrip("\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    return line.removeprefix(prefix) if line.startswith(prefix) else ""


def _branch(head: str) -> str:
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else head[:7]


def own_filters(folder: str) -> tuple[str, ...]:
    """Settings that switch off filters of the repository's configuration, but keep those of the user, such as git-lfs.

    Raises:
        ReconcilerError: git cannot list the filters.
    """
    status, output, complaint = _run(folder, ("config", "--show-scope", "-z", "--get-regexp", _FILTERS), _LOOK_SECONDS)
    if status not in {0, 1}:  # 1: there are none
        raise ReconcilerError("git config failed", detail=complaint.strip())
    words = output.split("\0")[:-1]
    found = [(scope, *entry.partition("\n")[::2]) for scope, entry in zip(words[::2], words[1::2], strict=True)]
    named = {name.rpartition(".")[0] for scope, name, _ in found if scope not in _USERS_OWN}
    if any("=" in name for name in named):  # `git -c` cannot express such a name
        raise ReconcilerError(
            f"{folder}: the repository names a filter with `=`", fix="rename the filter in its configuration"
        )
    off = {f"{name}.{key}": value for name in named for key, value in _FILTER_OFF.items()}
    own = {name: value for scope, name, value in found if scope in _USERS_OWN and name in off}
    return tuple(f"{name}={value}" for name, value in {**off, **own}.items())


def _succeeds(folder: str, *arguments: str) -> bool:
    status, _, _ = _run(folder, arguments, _LOOK_SECONDS)
    return status == 0


def asked(folder: str, *arguments: str, seconds: int = _LOOK_SECONDS, settings: tuple[str, ...] = ()) -> str:
    """The output of git.

    Raises:
        ReconcilerError: It failed, is not installed, or took longer than `seconds`.
    """
    status, output, complaint = _run(folder, arguments, seconds, settings)
    if status:
        raise ReconcilerError(f"git {' '.join(arguments[:2])} failed", detail=without_logins(complaint.strip()))
    return output


def _run(folder: str, arguments: tuple[str, ...], seconds: int, settings: tuple[str, ...] = ()) -> tuple[int, str, str]:
    environment = {k: v for k, v in os.environ.items() if k not in _LOCAL} | _QUIET
    safe = [word for setting in (*_HARMLESS, *settings) for word in ("-c", setting)]
    command = ["git", *safe, "-C", folder, *arguments]
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
    except OSError as error:  # too many open files, too many processes, no memory
        raise ReconcilerError("git cannot be run", detail=error.strerror or str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise ReconcilerError(f"git did not answer within {seconds} s", detail=folder) from error
    return done.returncode, done.stdout, done.stderr

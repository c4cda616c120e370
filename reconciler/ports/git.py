"""Git worktrees: seen without a git process where that is enough, and with git where it is not."""

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

# What `git rev-parse --local-env-vars` names: set inside a hook, they would lead git elsewhere.
_LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch, by the programs that its repository names
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
# Programs that a repository's configuration can name: an agent can write into it, and would have us run them.
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


def lost_repository(path: str) -> str:
    """Where the worktree at `path` looks for its repository, when nothing is there; else empty.

    Raises:
        OSError: A file is there and cannot be read.
    """
    gitdir = _pointer(os.path.join(path, ".git"), "gitdir: ")
    private = os.path.join(path, gitdir)
    return private if gitdir and not os.path.lexists(private) else ""


def with_work(path: str, linked: Worktree) -> Observed[Worktree]:
    """The worktree with the number of its uncommitted entries and of its unpushed commits.

    Unpushed is what no other branch and no remote has.
    """
    try:
        filters = _own_filters(path)
        # what a submodule has uncommitted is its own: git would run with that repository's configuration
        dirty = _git(path, "status", "--porcelain", "--ignore-submodules=dirty", settings=filters)
        others = ["HEAD", "--not", f"--exclude={linked.branch}", "--branches", "--remotes"]
        unpushed = _git(path, "rev-list", "--count", *others, "--")
    except ReconcilerError as error:
        return Unknown(f"{path}: {error.summary}: {error.detail}")
    return Present(replace(linked, dirty=len(dirty.splitlines()), unpushed=int(unpushed)))


def obstacle(path: str, git: Git) -> Obstacle | None:
    """What would keep git from making `path` a worktree, or None; nothing is written.

    The branch may be checked out at `path` itself: git still lists a worktree whose folder is gone.
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
    """Make `path` a worktree; a missing branch starts at `git.base`, else at the repo's HEAD.

    A worktree that git still lists at `path`, although its folder was deleted, is made anew.

    Raises:
        ReconcilerError: Something is in the way, or git refused; its words are in `detail`. Or commits of the deleted
            one are on no branch.
    """
    found = obstacle(path, git)
    if found is None or found.kind is ObstacleKind.TAKEN:
        _unlist_deleted(path, git)
    if found:
        said = describe_obstacle(found, path, git)
        raise ReconcilerError(said.summary, detail=said.detail, fix=said.fix)
    filters = _own_filters(git.repo)
    if _succeeds(git.repo, "show-ref", "--verify", "--quiet", f"refs/heads/{git.branch}"):
        _git(git.repo, "worktree", "add", "--", path, git.branch, seconds=_CHECKOUT_SECONDS, settings=filters)
        return
    start = _git(git.repo, "rev-parse", "--verify", "--end-of-options", _start(git)).strip()
    adding = ("worktree", "add", "-b", git.branch, "--", path, start)
    _git(git.repo, *adding, seconds=_CHECKOUT_SECONDS, settings=filters)


def _unlist_deleted(path: str, git: Git) -> None:
    """Let git forget the worktree at `path`, and no other one, when its folder was deleted by hand."""
    for listed, facts in _listed(git.repo).items():
        if os.path.lexists(listed):
            continue
        if os.path.realpath(listed) == os.path.realpath(path):
            _refuse_loss(listed, facts, git.repo)
            _git(git.repo, "worktree", "remove", "--", listed)
        elif facts.get("branch") == f"refs/heads/{git.branch}":
            fix = f"if it was deleted: git -C {shlex.quote(git.repo)} worktree remove {shlex.quote(listed)}"
            raise ReconcilerError(f"branch {git.branch} is in use by {listed}, which is missing", fix=fix)


def _refuse_loss(path: str, facts: Mapping[str, str], repo: str) -> None:
    """Git keeps nothing of a deleted worktree but its branch: commits on no branch would be lost with it."""
    if "locked" in facts:
        fix = f"if it was deleted: git -C {shlex.quote(repo)} worktree unlock {shlex.quote(path)}, then apply again"
        raise ReconcilerError(f"the worktree {path} is missing, and locked in git", detail=facts["locked"], fix=fix)
    head = facts.get("HEAD", "")
    if "detached" not in facts or not head.strip("0"):
        return
    if int(_git(repo, "rev-list", "--count", head, "--not", "--branches", "--remotes", "--tags", "--")):
        fix = f"keep them first: git -C {shlex.quote(repo)} branch NAME {head}"
        raise ReconcilerError(f"the worktree {path} is missing, and its last commits are on no branch", fix=fix)


def _listed(repo: str) -> Mapping[str, Mapping[str, str]]:
    """The worktrees of a repository by their paths, with what git says of each; its main one is among them."""
    blocks = _git(repo, "worktree", "list", "--porcelain").split("\n\n")
    entries = [dict(line.partition(" ")[::2] for line in block.splitlines()) for block in blocks]
    return {entry["worktree"]: entry for entry in entries if "worktree" in entry}


def remove_worktree(path: str, repo: str) -> None:
    """Remove a clean worktree; its branch stays.

    Raises:
        ReconcilerError: git refused, as it does when there is uncommitted work.
    """
    _git(repo, "worktree", "remove", "--", path, settings=_own_filters(path))


def _pointer(file: str, prefix: str = "") -> str:
    """The one line that git keeps in `file`, without its prefix; empty when it is no such file."""
    try:
        with own_files.regular(file) as content:
            line = content.readline(_LONGEST_LINE).decode(errors="surrogateescape").rstrip("\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    return line.removeprefix(prefix) if line.startswith(prefix) else ""


def _branch(head: str) -> str:
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else head[:7]


def _own_filters(folder: str) -> tuple[str, ...]:
    """Settings by which the user's own filters work, as those of git-lfs, and the repository's own do not.

    Raises:
        ReconcilerError: git does not tell.
    """
    status, output, complaint = _run(folder, ("config", "--show-scope", "-z", "--get-regexp", _FILTERS), _LOOK_SECONDS)
    if status not in {0, 1}:  # 1: there is none
        raise ReconcilerError("git config failed", detail=complaint.strip())
    words = output.split("\0")[:-1]
    found = [(scope, *entry.partition("\n")[::2]) for scope, entry in zip(words[::2], words[1::2], strict=True)]
    named = {name.rpartition(".")[0] for scope, name, _ in found if scope not in _USERS_OWN}
    if any("=" in name for name in named):  # `git -c` could not say which
        raise ReconcilerError(f"{folder}: the repository names a filter with `=`", fix="rename the filter")
    off = {f"{name}.{key}": value for name in named for key, value in _FILTER_OFF.items()}
    own = {name: value for scope, name, value in found if scope in _USERS_OWN and name in off}
    return tuple(f"{name}={value}" for name, value in {**off, **own}.items())


def _succeeds(folder: str, *arguments: str) -> bool:
    status, _, _ = _run(folder, arguments, _LOOK_SECONDS)
    return status == 0


def _git(folder: str, *arguments: str, seconds: int = _LOOK_SECONDS, settings: tuple[str, ...] = ()) -> str:
    """What git prints.

    Raises:
        ReconcilerError: It failed, or is not there, or took longer than `seconds`.
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
        raise ReconcilerError(f"git gave no answer in {seconds} s", detail=folder) from error
    return done.returncode, done.stdout, done.stderr

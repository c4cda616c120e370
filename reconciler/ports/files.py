"""Files, folders and git worktrees of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import BinaryIO

from reconciler.model.desired import Git
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.obstacle import Obstacle, ObstacleKind
from reconciler.model.snapshot import Folder, Worktree
from reconciler.model.stored import Entry
from reconciler.model.work import GitWork
from reconciler.ports.world import Row

from . import deleting, own_files, ownership
from . import git as _git
from .clock import RealClock
from .git_work import work_in

_MISSING = (FileNotFoundError, NotADirectoryError)
_WILD = frozenset("*?[")
_CHUNK = 1 << 20
_TICK = 3.0  # seconds; some file systems store file times with a precision of 2 seconds


class RealFiles:
    """The disk. Every path is absolute; the caller expands `~` and variables."""

    def folder(self, path: str) -> Observed[Folder]:
        """What is at `path`. Of a worktree, only the repository and the branch are read."""
        try:
            if not stat.S_ISDIR(os.stat(path).st_mode):
                return Present(Folder(is_folder=False))
            with os.scandir(path) as entries:
                empty = next(entries, None) is None
            tree = _git.linked_worktree(path)
            lost = "" if tree or empty else _git.lost_repository(path)
            return Present(Folder(is_folder=True, empty=empty, worktree=tree, lost=lost))
        except OSError as error:
            return _not_seen(path, error)

    def worktree(self, path: str) -> Observed[Worktree]:
        """The worktree at `path` with its uncommitted and unpushed work; `Absent` when it is not a worktree."""
        match self.folder(path):
            case Present(Folder(worktree=Worktree() as linked)):
                return _git.with_work(path, linked)
            case Unknown() as unknown:
                return unknown
            case _:
                return ABSENT

    def work(self, path: str, base: str = "") -> Observed[GitWork]:
        """The work in a folder under git, beside its upstream, `base` or main branch; asks git."""
        return work_in(path, base)

    def obstacle(self, path: str, git: Git | None) -> Obstacle | None:
        """What prevents a workspace from being created at `path`, where nothing is yet. Nothing is written."""
        above = path
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        if not os.path.isdir(above):
            return Obstacle(ObstacleKind.NO_FOLDER, above)
        if not os.access(above, os.W_OK | os.X_OK):
            return Obstacle(ObstacleKind.LOCKED, above)
        return _git.obstacle(path, git) if git else None

    def real(self, path: str) -> str:
        """The path with all symbolic links resolved, as far as it exists."""
        return os.path.realpath(path)

    def facts(self, path: str) -> Observed[tuple[float, int]]:
        """The time of the last change in Unix seconds, and the size in bytes."""
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return ABSENT
        except OSError as error:
            return Unknown(f"{path}: {error.strerror}")
        return Present((status.st_mtime, status.st_size))

    def distrust(self, path: str) -> str:
        """Why another user may have written `path`; empty when only this user can write it, or it is missing."""
        return ownership.distrust(path)

    def distrust_all(self, path: str) -> str:
        """Like `distrust`, for a folder and everything below it."""
        return ownership.distrust_all(path)

    def mark(self, path: str) -> tuple[int, ...] | None:
        """A value that changes whenever the file is written, replaced or deleted, or a folder gets or loses an entry.

        None when that cannot be guaranteed: for a link, an unreadable path, and for some seconds after a change.
        """
        try:
            status = os.lstat(path)
        except _MISSING:
            return ()
        except OSError:
            return None
        if stat.S_ISLNK(status.st_mode) or RealClock().now().timestamp() < status.st_ctime + _TICK:
            return None
        # st_ctime is the only file time that programs cannot set
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        """At most `limit` bytes of a file, from byte `start` on."""
        try:
            with own_files.regular(path) as file:
                file.seek(start)
                return Present(file.read(limit))
        except OSError as error:
            return _not_seen(path, error)

    def find(self, pattern: str) -> Observed[tuple[str, ...]]:
        """The sorted paths that match a glob pattern (`*`, `?`, `[...]`; no `**`).

        `Absent` when the folder before the first wildcard is missing; `Unknown` when a folder on the way cannot be
        read.
        """
        parts = pattern.split("/")
        literal = next((i for i, part in enumerate(parts) if _WILD & set(part)), len(parts))
        start = "/".join(parts[:literal]) or "/"
        try:
            if not os.path.lexists(start):
                os.stat(os.path.dirname(start))
                return ABSENT if literal < len(parts) else Present(())
            return Present(tuple(sorted(_matches(start, parts[literal:]))))
        except OSError as error:
            return _not_seen(error.filename or start, error)

    def query(self, path: str, statement: str, parameters: tuple[str, ...]) -> Observed[tuple[Row, ...]]:
        """The rows of a query in an SQLite database, opened read-only. `Absent` if the file or table is missing."""
        if not os.path.lexists(path):
            return ABSENT
        from .database import ask  # noqa: PLC0415 - sqlite3 is needed only for some CLIs

        return ask(path, statement, parameters)

    def contains(self, path: str, needle: bytes) -> Observed[bool]:
        """Whether `needle` is in the file. It is read in chunks, and only up to the needle."""
        try:
            with own_files.regular(path) as file:
                return Present(_is_in(file, needle))
        except OSError as error:
            return _not_seen(path, error)

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Replace a file atomically and durably: a reader sees either the old or the new content.

        If `path` is a symbolic link, its target is replaced. In our own folders, a link is refused.

        Raises:
            ReconcilerError: The file could not be written. The old one is unchanged.
        """
        try:
            own_files.replace(path, data, mode)
        except OSError as error:
            raise _failure(f"cannot write {path}", error) from error

    def tree(self, path: str) -> Observed[tuple[Entry, ...]]:
        """The entry of `path`, then of everything in it if it is a folder. Links are not followed."""
        try:
            return Present(tuple(deleting.entries(path)))
        except OSError as error:
            return _not_seen(error.filename or path, error)

    def delete(self, path: str, root: str) -> None:
        """Delete a file, or a folder with everything in it, below the folder `root`. A missing path is fine.

        Raises:
            ReconcilerError: The path or a folder between `root` and it is a link; it belongs to another user, has
                another hard link, or cannot be deleted.
        """
        try:
            deleting.delete(path, root)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _failure(f"cannot delete {path}", error) from error

    def copy(self, path: str, target: str) -> None:
        """Copy a file of any size. Only its owner can read the copy. A partial copy is removed.

        Raises:
            ReconcilerError: It cannot be read, or the copy cannot be written.
        """
        try:
            own_files.copy(path, target)
        except OSError as error:
            raise _failure(f"cannot copy {path}", error) from error

    def make_folder(self, path: str, mode: int = 0o777) -> None:
        """Create a folder and its parents if missing. `mode` applies only to a new folder.

        Raises:
            ReconcilerError: It could not be created.
        """
        try:
            own_files.make_folder(path, mode)
        except OSError as error:
            raise _failure(f"cannot create the folder {path}", error) from error

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder.

        Raises:
            ReconcilerError: It is not empty, is missing, or cannot be removed.
        """
        try:
            os.rmdir(path)
        except OSError as error:
            raise _failure(f"cannot remove the folder {path}", error) from error

    def add_worktree(self, path: str, git: Git) -> None:
        """Create a worktree at `path`. A missing branch starts at `git.base`, else at the repository's HEAD.

        Raises:
            ReconcilerError: git refused; its message is in `detail`.
        """
        _git.add_worktree(path, git)

    def remove_worktree(self, path: str, repo: str) -> None:
        """Remove a clean worktree. Its branch stays.

        Raises:
            ReconcilerError: git refused, for example because of uncommitted work.
        """
        _git.remove_worktree(path, repo)


def _not_seen(path: str, error: OSError) -> Absent | Unknown:
    return ABSENT if isinstance(error, _MISSING) else Unknown(f"{path}: {error.strerror}")


def _failure(summary: str, error: OSError) -> ReconcilerError:
    return ReconcilerError(summary, detail=error.strerror or str(error))


def _is_in(file: BinaryIO, needle: bytes) -> bool:
    tail = b""
    while chunk := file.read(_CHUNK):
        window = tail + chunk
        if needle in window:
            return True
        tail = window[-len(needle) :]
    return not needle


def _matches(path: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        yield path
        return
    part, *rest = parts
    for name in _names(path, part):
        yield from _matches(os.path.join(path, name), rest)


def _names(folder: str, pattern: str) -> list[str]:
    """The entries of `folder` that match. Hidden ones match only if the pattern begins with a dot."""
    if not _WILD & set(pattern):
        return [pattern] if os.path.lexists(os.path.join(folder, pattern)) else []
    try:
        names = os.listdir(folder)
    except _MISSING:  # a file, or a folder that was just removed
        return []
    return [n for n in names if fnmatchcase(n, pattern) and (n[0] != "." or pattern[0] == ".")]

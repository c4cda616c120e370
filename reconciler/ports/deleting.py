"""List and delete files and folders without following any link.

Each folder is opened relative to its parent, not by a path that could be redirected in between.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.model.stored import Entry, EntryKind

_KINDS = {stat.S_IFREG: EntryKind.FILE, stat.S_IFDIR: EntryKind.FOLDER, stat.S_IFLNK: EntryKind.LINK}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def entries(path: str) -> Iterator[Entry]:
    """The entry of `path`, then of everything in it. Raises OSError if a part cannot be read."""
    entry = _entry(path, os.lstat(path))
    yield entry
    if entry.kind is EntryKind.FOLDER:
        for name in sorted(os.listdir(path)):
            yield from entries(os.path.join(path, name))


def delete(path: str, root: str) -> None:
    """Delete `path`, which must be below `root`. Raises OSError if it is not clearly the user's own."""
    *folders, name = os.path.relpath(path, root).split("/")
    if name in {"", ".", ".."} or ".." in folders:
        raise OSError(0, f"it is not below {root}", path)
    with _opened(root, folders) as folder:
        entry = _entry(path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        if entry.kind is EntryKind.FOLDER and entry.mine:
            _remove_tree(name, dir_fd=folder)
        elif entry.kind is EntryKind.FILE and entry.mine and entry.links == 1:
            os.unlink(name, dir_fd=folder)
        else:
            raise OSError(0, "it is a link, has another hard link, or belongs to another user", path)


def remove_own(folder: str) -> None:
    """Delete a folder that we made, and everything in it, as far as possible."""
    _remove_tree(folder, ignore_errors=True)


def _remove_tree(path: str, *, dir_fd: int | None = None, ignore_errors: bool = False) -> None:
    import shutil  # noqa: PLC0415 - slow to load, and rarely needed

    shutil.rmtree(path, dir_fd=dir_fd, ignore_errors=ignore_errors)


def _entry(path: str, status: os.stat_result) -> Entry:
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), EntryKind.OTHER)
    links = 1 if kind is EntryKind.FOLDER else status.st_nlink
    return Entry(
        path=path,
        kind=kind,
        size=status.st_size,
        changed=int(status.st_mtime),
        links=links,
        mine=status.st_uid == os.geteuid(),
    )


@contextmanager
def _opened(root: str, folders: list[str]) -> Iterator[int]:
    """A descriptor of the innermost folder. Raises OSError if a folder is a link; only `root` may be one."""
    opened = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for name in folders:
            opened.append(os.open(name, _FOLDER, dir_fd=opened[-1]))
        yield opened[-1]
    finally:
        for descriptor in opened:
            os.close(descriptor)

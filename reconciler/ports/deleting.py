"""What is to be deleted, looked at and deleted without following any link.

Folders are opened one inside the other, never by a path that somebody could redirect meanwhile.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.model.stored import Entry, EntryKind

_KINDS = {stat.S_IFREG: EntryKind.FILE, stat.S_IFDIR: EntryKind.FOLDER, stat.S_IFLNK: EntryKind.LINK}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def entries(path: str) -> Iterator[Entry]:
    """What `path` is, then all that is in it; raises OSError when any of it cannot be seen."""
    entry = _entry(path, os.lstat(path))
    yield entry
    if entry.kind is EntryKind.FOLDER:
        for name in sorted(os.listdir(path)):
            yield from entries(os.path.join(path, name))


def delete(path: str, root: str) -> None:
    """Delete `path`, below `root`; raises OSError for what is not plainly the user's own."""
    *folders, name = os.path.relpath(path, root).split("/")
    if name in {"", ".", ".."} or ".." in folders:
        raise OSError(0, f"it is not below {root}", path)
    with _opened(root, folders) as folder:
        entry = _entry(path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        if entry.kind is EntryKind.FOLDER and entry.mine:
            shutil.rmtree(name, dir_fd=folder)
        elif entry.kind is EntryKind.FILE and entry.mine and entry.links == 1:
            os.unlink(name, dir_fd=folder)
        else:
            raise OSError(0, "it is a link, has a second name, or is not yours", path)


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
    """The innermost of the folders; raises OSError where one is a link. `root` itself may be reached by one."""
    opened = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for name in folders:
            opened.append(os.open(name, _FOLDER, dir_fd=opened[-1]))
        yield opened[-1]
    finally:
        for descriptor in opened:
            os.close(descriptor)

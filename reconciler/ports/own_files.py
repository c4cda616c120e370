"""Write files: completely or not at all, only regular files, and never through a link that came from outside.

A git checkout may bring symbolic links into our folders. So our own folders are fenced, once for the whole process,
like with unveil(2): below a fence, each folder is opened relative to its parent, and no link is followed. Outside of
the fences, the path is the user's own choice, and links are followed.

When root creates a file in the folder of another user, the file belongs to that user.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from msgspec import Struct

from reconciler.model.errors import Refused

from .temporary import left_below, left_in, name_for
from .temporary import sweep as sweep_open_folder
from .temporary import sweep_tree as sweep_open_tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CHUNK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Errors of file systems that do not support a call at all: FAT, exFAT, some FUSE and network file systems.
_UNKNOWN_CALL = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_NO_LINKS = {*_UNKNOWN_CALL, errno.EMLINK, errno.EXDEV}


class LinkInTheWay(Refused):
    """One of our own files would be written through a symbolic link."""


class _Fence(Struct, frozen=True):
    """The folder `tree` below `base` is ours. `way_out` says how to use another folder, with `{}` for its path."""

    base: str
    tree: str
    way_out: str


_FENCES: dict[str, _Fence] = {}


def fence(base: str, names: Iterable[str], way_out: str = "") -> None:
    """From now on, follow no link in the way to these files and folders below `base`. `base` itself may be a link.

    `way_out` is what the user can type to keep them in another folder, with `{}` for that folder.
    """
    for name in names:
        tree = os.path.normpath(os.path.join(base, name))
        _FENCES[tree] = _Fence(base, tree, way_out)


@contextmanager
def regular(path: str) -> Iterator[BinaryIO]:
    """Open a regular file for reading. Raises OSError for anything else; never waits for the writer of a pipe."""
    with open(_only_regular(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), path), "rb") as file:
        yield file


@contextmanager
def opened(folder: str, *, make: bool = False) -> Iterator[int]:
    """Open a folder as a descriptor. With `make`, create it (0700) when missing. Raises OSError or LinkInTheWay."""
    try:
        descriptor = _walk(folder)
    except FileNotFoundError:
        if not make:
            raise
        make_folder(folder, 0o700)
        descriptor = _walk(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def make_folder(path: str, mode: int) -> None:
    """Create a folder and its parents if missing. `mode` applies only to a new folder.

    Raises OSError or LinkInTheWay.
    """
    path = path.rstrip("/") or "/"
    found = _fence_of(path)
    if found is None and os.path.isdir(path):
        return
    parent, name = os.path.split(path)
    if found:
        make_folder(found.base, 0o777)
    if parent != path:
        make_folder(parent, 0o777)
    with opened(parent) as above:
        try:
            os.mkdir(name, mode, dir_fd=above)
        except FileExistsError:
            os.close(_step(above, name, path, found))
        else:
            _keep_owner(above, name)


def replace(path: str, data: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replace a file atomically: a reader sees either the old or the new content. Raises OSError or LinkInTheWay.

    With `durable`, the new content survives a power failure. Temporary files that killed writers left for this file,
    or in a folder of ours, are removed.
    """
    with _spot(path) as (folder, name), _unfinished(folder, name) as temporary:
        _write_new(folder, temporary, data, mode, durable=durable)
        _keep_owner(folder, temporary, like=name)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        if durable:
            _sync(folder)
        _sweep(path, folder, name)


def restrict(path: str) -> None:
    """Make a regular file readable only by its owner (0600). Raises OSError or LinkInTheWay."""
    with regular(path) as file:
        os.fchmod(file.fileno(), 0o600)


def set_time(path: str, nanoseconds: int) -> None:
    """Set the access and change time of a regular file. Raises OSError or LinkInTheWay."""
    with regular(path) as file:
        os.utime(file.fileno(), ns=(nanoseconds, nanoseconds))


def copy(source: str, target: str) -> None:
    """Copy a file of any size atomically; only its owner can read the copy. Raises OSError or LinkInTheWay."""
    with regular(source) as original, _spot(target) as (folder, name), _unfinished(folder, name) as temporary:
        with open(os.open(temporary, _NEW, 0o600, dir_fd=folder), "wb") as new:
            while chunk := original.read(_CHUNK):
                new.write(chunk)
            new.flush()
            os.fsync(new.fileno())
        _keep_owner(folder, temporary, like=name)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def create(path: str, data: bytes, mode: int = 0o600) -> bool:
    """Create a file with all its content at once; False when it already exists. Raises OSError or LinkInTheWay.

    link(2) makes this atomic. On a file system without hard links, the file is renamed if the name is free; there, the
    caller must hold the lock of the folder (flock(2)).
    """
    with _spot(path) as (folder, name), _unfinished(folder, name) as temporary:
        _write_new(folder, temporary, data, mode, durable=False)
        _keep_owner(folder, temporary)
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return _renamed(folder, temporary, name)
        finally:
            _sweep(path, folder, name)
    return True


@contextmanager
def appending(path: str) -> Iterator[BinaryIO]:
    """Open a regular file to read and append, creating it (0600) when missing. Raises OSError or LinkInTheWay."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _spot(path) as (folder, name):
        is_new = _status(folder, name) is None
        descriptor = _only_regular(os.open(name, flags, 0o600, dir_fd=folder), path)
        with open(descriptor, "a+b", buffering=0) as file:
            if is_new:
                _keep_owner(folder, name)
            yield file


def refuse_links(folder: str) -> None:
    """Check, before anything is done, that nothing in a folder of ours is a link.

    Raises:
        LinkInTheWay: The folder, or an entry in it, is a link.
        OSError: The folder cannot be read.
    """
    with suppress(FileNotFoundError), opened(folder) as top, os.scandir(top) as entries:
        for entry in entries:
            path = os.path.join(folder, entry.name)
            tree = _fence_of(path)
            if tree and entry.is_symlink():
                raise _in_the_way(path, tree)


def sweep_tree(folder: str) -> None:
    """Remove temporary files of killed writers in a folder of ours and below. Files that cannot be removed stay."""
    with suppress(OSError, Refused), opened(folder) as top:
        sweep_open_tree(top)


def sweep(folder: str) -> None:
    """Remove temporary files of killed writers in a folder of the user. Files that cannot be removed stay."""
    with suppress(OSError, Refused), opened(folder) as top:
        sweep_open_folder(top, ours=False)


def left_behind(folder: str, *, ours: bool) -> list[str]:
    """The paths of the files that `sweep_tree` (`ours`), else `sweep`, would remove.

    Raises:
        LinkInTheWay: The folder is a link that `ours` do not follow.
        OSError: The folder cannot be read.
    """
    with suppress(FileNotFoundError), opened(folder) as top:
        names = left_below(top) if ours else left_in(top, ours=False)
        return [os.path.join(folder, name) for name in names]
    return []


def readable_by_others(path: str) -> list[str]:
    """The regular files of this user that other users may read or write: `path`, or those in it and below.

    Links are not followed. Raises what `left_behind` raises.
    """
    parent, name = os.path.split(path)
    with suppress(FileNotFoundError), opened(parent) as above:
        found = _status(above, name)
        if _is_loose(found):
            return [path]
        if found and stat.S_ISDIR(found.st_mode):
            return list(_loose_below(path))
    return []


def _loose_below(folder: str) -> Iterator[str]:
    with opened(folder) as top:
        for path, _, names, below in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            loose = (name for name in names if _is_loose(_status(below, name)))
            yield from (os.path.normpath(os.path.join(folder, path, name)) for name in loose)


def _is_loose(found: os.stat_result | None) -> bool:
    if found is None or not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        return False
    return bool(stat.S_IMODE(found.st_mode) & 0o077)


# --- paths ------------------------------------------------------------------------------------


@contextmanager
def _spot(path: str) -> Iterator[tuple[int, str]]:
    """The open folder of a file that will be written, and the name of the file in it."""
    tree = _fence_of(path)
    target = path if tree else os.path.realpath(path)
    parent, name = os.path.split(target)
    with opened(parent) as folder:
        found = _status(folder, name)
        if found and stat.S_ISLNK(found.st_mode):
            raise _in_the_way(path, tree)
        if found and not stat.S_ISREG(found.st_mode):
            raise OSError(0, "not a regular file", path)
        yield folder, name


def _walk(path: str) -> int:
    """A descriptor of a folder. Below its fence, no link is followed."""
    found = _fence_of(path)
    if found is None:
        return os.open(path, _FOLDER)
    descriptor = os.open(found.base, _FOLDER)
    reached = found.base
    for name in os.path.relpath(path, found.base).split("/"):
        reached = os.path.join(reached, name)
        above = descriptor
        try:
            descriptor = _step(above, name, reached, found)
        finally:
            os.close(above)
    return descriptor


def _step(above: int, name: str, path: str, tree: _Fence | None) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
    except OSError as error:
        found = _status(above, name)
        if found and stat.S_ISLNK(found.st_mode):
            raise _in_the_way(path, tree) from error
        error.filename = path
        raise


def _fence_of(path: str) -> _Fence | None:
    """The innermost fence that contains the path. The base folder of a fence is outside of it."""
    tree = path
    while tree not in _FENCES:
        tree, inner = os.path.dirname(tree), tree
        if tree == inner:
            return None
    found = _FENCES[tree]
    return None if path == found.base else found


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _only_regular(descriptor: int, path: str) -> int:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(0, "not a regular file", path)


def _in_the_way(path: str, tree: _Fence | None) -> LinkInTheWay:
    real = os.path.realpath(path)
    fix = f"remove the link: rm {path}"
    if tree and tree.way_out and f"{tree.tree}/".startswith(f"{path}/"):
        named = tree.way_out.format(real + tree.tree.removeprefix(path))
        fix = f"{fix}; or, if you made the link, name its target instead: {named}"
    summary = f"{path} is a symbolic link, and reconciler does not write through links in its own folders"
    return LinkInTheWay(summary, detail=f"it leads to {real}", fix=fix)


# --- content ----------------------------------------------------------------------------------


@contextmanager
def _unfinished(folder: int, name: str) -> Iterator[str]:
    """A temporary name for the content until it is complete. No file with that name stays, even after an error."""
    temporary = name_for(name)
    try:
        yield temporary
    finally:
        with suppress(OSError):  # an earlier error is more important
            os.unlink(temporary, dir_fd=folder)


def _write_new(folder: int, name: str, data: bytes, mode: int, *, durable: bool) -> None:
    descriptor = os.open(name, _NEW, mode & 0o600, dir_fd=folder)
    with open(descriptor, "wb") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            with _if_supported():  # on such a file system, the mount decides the mode of all files
                os.fchmod(descriptor, mode)  # independent of the umask
        file.write(data)
        file.flush()
        if durable:
            os.fsync(descriptor)


def _renamed(folder: int, temporary: str, name: str) -> bool:
    if _status(folder, name) is not None:
        return False
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _keep_owner(folder: int, name: str, like: str = "") -> None:
    """When root created a file, give it to the owner of the file that it replaces, else of its folder."""
    if os.geteuid():
        return
    replaced = _status(folder, like) if like else None
    wanted = replaced if replaced and replaced.st_uid else os.fstat(folder)
    made = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if made.st_uid == 0 and wanted.st_uid:
        os.chown(name, wanted.st_uid, wanted.st_gid, dir_fd=folder, follow_symlinks=False)


def _sync(folder: int) -> None:
    with _if_supported():
        os.fsync(folder)


def _sweep(path: str, folder: int, name: str) -> None:
    ours = _fence_of(path) is not None
    sweep_open_folder(folder, ours, "" if ours else name)


@contextmanager
def _if_supported() -> Iterator[None]:
    """Ignore an error that means that the file system does not support the call."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNKNOWN_CALL:
            raise

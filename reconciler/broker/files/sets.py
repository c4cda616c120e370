"""Replace folders of files as a whole: a reader sees the old set or the new one, never a mix.

Each set has the digests of its files, so that edits by hand are detected. Files are created with their final mode.
Symbolic links and files of other users are refused.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from hashlib import sha256

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.ports import own_files

from .file_set import File, FileSet, InvalidBrokerFiles, mistake
from .layout import ReplacedFolder

DIGESTS = "SHA256SUMS"  # in the form of sha256sum(1)
_ASIDE = ".aside"
_CANNOT_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # renameat2(2)
_RENAME_SWAP = 2  # renamex_np(2) of macOS


def look(root: str, folder: str) -> tuple[dict[str, File], tuple[Diagnostic, ...]]:
    """Read a folder: its files by their paths from `root`, and errors for files that must not be there.

    `folder` may also be a single file. If it is missing, there are no files. After an interrupted replacement, this
    reads the old set.

    Raises:
        ReconcilerError: The folder cannot be read.
    """
    top = os.path.join(root, folder)
    actual = top if os.path.lexists(top) else top + _ASIDE
    files: dict[str, File] = {}
    problems: list[Diagnostic] = []
    try:
        for path in _walk(actual):
            name = os.path.normpath(f"{folder}/{os.path.relpath(path, actual)}")
            problem = _problem(path, os.lstat(path))
            if problem:
                problems.append(problem)
            elif not os.path.isdir(path):
                files[name] = _read(path)
    except OSError as error:
        raise _failure("the broker's files cannot be read", error) from error
    files.pop(f"{folder}/{DIGESTS}", None)
    return files, tuple(problems)


def edited_files(root: str, folder: str) -> tuple[str, ...]:
    """The sorted files of a set that were changed, added or removed by hand."""
    files, _ = look(root, folder)
    known = written(root, folder)
    found = {path: sha256(file.data).hexdigest() for path, file in files.items()}
    return tuple(sorted(path for path in {*found, *known} if found.get(path) != known.get(path))) if known else ()


def written(root: str, folder: str) -> dict[str, str]:
    """The SHA-256 of each file when reconciler wrote it, by its path from `root`; empty when unknown."""
    return {f"{folder}/{name}": digest for name, digest in _written(os.path.join(root, folder)).items()}


def replace(root: str, place: ReplacedFolder, files: FileSet) -> None:
    """Make `files` the live set, and the previous one the last good set; paths are relative to the live folder.

    Raises:
        ReconcilerError: The files cannot be written; the live set is unchanged.
    """
    live, last_good, staged = (os.path.join(root, each) for each in (place.live, place.last_good, place.staged))
    try:
        recover(root, place)
        _clear(staged)
        for parent in sorted({os.path.dirname(path) for path in (live, last_good, staged)}):
            own_files.make_folder(parent, 0o700)
        _stage(staged, files)
        _swap(staged, live)
        _swap(staged, last_good)
        _clear(staged)
    except OSError as error:
        raise _failure("the broker's files cannot be written", error) from error


def roll_back(root: str, place: ReplacedFolder) -> None:
    """Exchange the live set and the last good set.

    Raises:
        ReconcilerError: There is no last good set, or it cannot be moved.
    """
    try:
        recover(root, place)
        _swap(os.path.join(root, place.last_good), os.path.join(root, place.live))
    except OSError as error:
        raise _failure("the last good files cannot be restored", error) from error


def recover(root: str, place: ReplacedFolder) -> None:
    """Complete or undo a replacement that was interrupted between two renames."""
    for path in (os.path.join(root, place.live), os.path.join(root, place.last_good)):
        if not os.path.lexists(path + _ASIDE):
            continue
        if os.path.lexists(path):
            _clear(path + _ASIDE)
        else:
            os.rename(path + _ASIDE, path)


def write(path: str, file: File) -> None:
    """Replace one file atomically and durably.

    Raises:
        ReconcilerError: It cannot be written.
    """
    try:
        own_files.replace(path, file.data, file.mode)
    except OSError as error:
        raise _failure("the broker's files cannot be written", error) from error


def make_folder(path: str) -> None:
    """Make a folder if it is missing, and check that only this user can write to it.

    Raises:
        InvalidBrokerFiles: It is a link, belongs to another user, or other users can write to it.
        ReconcilerError: It cannot be made.
    """
    try:
        own_files.make_folder(path, 0o700)
        status = os.lstat(path)
    except OSError as error:
        raise _failure("the broker's folder cannot be made", error) from error
    problem = _problem(path, status)
    if not problem and status.st_mode & 0o022:
        problem = mistake(path, 0, "other users can write to this folder", f"chmod go-w {path}")
    if problem:
        raise InvalidBrokerFiles("the broker's folder cannot be used", (problem,))


def _walk(top: str) -> Iterator[str]:
    """Yield everything below a folder, itself first. Links are listed, but not followed."""
    if not os.path.lexists(top):
        return
    yield top
    if os.path.islink(top) or not os.path.isdir(top):
        return
    for name in sorted(os.listdir(top)):
        yield from _walk(os.path.join(top, name))


def _problem(path: str, status: os.stat_result) -> Diagnostic | None:
    if stat.S_ISLNK(status.st_mode):
        return mistake(path, 0, "is a symbolic link, which Mosquitto 2.1 may refuse", "put the file itself there")
    if status.st_uid != os.geteuid():
        return mistake(path, 0, f"belongs to user {status.st_uid}", _for_its_owner(path, status.st_uid))
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return mistake(path, 0, "is neither a file nor a folder", "remove it")
    return None


def _for_its_owner(path: str, owner: int) -> str:
    """How to correct the owner. Root is told to run this as the owner, else files and broker would become root's."""
    return f"chown -R {os.geteuid()} {path}" if os.geteuid() else f"run this as its owner: sudo -u '#{owner}' ..."


def _read(path: str) -> File:
    with own_files.regular(path) as file:
        return File(file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))


def _written(folder: str) -> dict[str, str]:
    """The stored digests of the files, by their paths from the folder."""
    path = os.path.join(folder, DIGESTS)
    if not os.path.isfile(path):
        return {}
    lines = _read(path).data.decode("utf-8", "replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _digests(files: FileSet) -> File:
    lines = [f"{sha256(file.data).hexdigest()}  {path}\n" for path, file in sorted(files.items())]
    return File("".join(lines).encode())


def _stage(folder: str, files: FileSet) -> None:
    for path, file in {**files, DIGESTS: _digests(files)}.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        _create(target, file)
    for path, _, _ in os.walk(folder):
        _sync(path)


def _create(path: str, file: File) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, file.mode & 0o600)
    with open(descriptor, "wb") as new:
        new.write(file.data)
        os.fchmod(descriptor, file.mode)  # the exact mode, whatever the umask is
        new.flush()
        os.fsync(descriptor)


def _swap(new: str, old: str) -> None:
    """Exchange two folders, or move the new one if the old one is missing."""
    if not os.path.lexists(new):
        return
    if not os.path.lexists(old):
        os.rename(new, old)
    elif not _exchange(new, old):
        os.rename(old, old + _ASIDE)
        os.rename(new, old)
        os.rename(old + _ASIDE, new)
    for parent in {os.path.dirname(new), os.path.dirname(old)}:
        _sync(parent)


def _exchange(one: str, other: str) -> bool:
    """Exchange two paths in one step; False if the system or file system does not support that."""
    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            result = libc.renamex_np(first, second, _RENAME_SWAP)
        else:
            result = libc.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE)
    except AttributeError:
        return False
    number = ctypes.get_errno()
    if result and number not in _CANNOT_EXCHANGE:
        raise OSError(number, os.strerror(number), one)
    return not result


def _clear(folder: str) -> None:
    if os.path.lexists(folder):
        shutil.rmtree(folder)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(summary: str, error: OSError) -> ReconcilerError:
    return ReconcilerError(
        summary,
        detail=f"{error.filename}: {error.strerror}" if error.filename else str(error),
        fix="check that the broker's directory belongs to you, and that the disk has free space",
    )

"""Read small files that only this user can have written."""

from __future__ import annotations

import errno
import os
import stat

from . import own_files

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_private(folder: str, name: str, limit: int) -> bytes:
    """At most `limit` bytes of the regular file `name` in a folder of ours. No link is followed.

    Root also reads the files of the folder's owner: what it writes there belongs to that user.

    Raises OSError for a missing file, a link, anything else than a file, and a file that others may have written.
    LinkInTheWay is raised for a link above it.
    """
    with own_files.opened(folder) as descriptor:
        path = os.path.join(folder, name)
        file = _opened(descriptor, name, path)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(0, "not a regular file", path)
            if not _is_own(found, os.fstat(descriptor)):
                raise PermissionError(errno.EPERM, "another user may have written it", path)
            return os.read(file, limit)
        finally:
            os.close(file)


def expect_own_folder(folder: str) -> None:
    """Raise PermissionError if another user may have written entries of `folder`; OSError if it is missing."""
    with own_files.opened(folder) as descriptor:
        found = os.fstat(descriptor)
        if os.geteuid() and (found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE):
            raise PermissionError(errno.EPERM, "another user may write to this folder", folder)


def _opened(folder: int, name: str, path: str) -> int:
    try:
        return os.open(name, _FLAGS, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:
            raise OSError(0, "it is a symbolic link", path) from error
        error.filename = path
        raise


def _is_own(found: os.stat_result, around: os.stat_result) -> bool:
    owners = {os.geteuid(), around.st_uid} if not os.geteuid() else {os.geteuid()}
    return found.st_uid in owners and not found.st_mode & _OTHERS_WRITE

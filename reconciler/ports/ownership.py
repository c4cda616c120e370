"""Check whether another user may have written a file or folder."""

from __future__ import annotations

import os
import pwd
import stat


def distrust(path: str) -> str:
    """Why another user may have written a path; empty when only this user can write it, or it is missing.

    A link counts as its target. The reason names the path and what to type.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be checked: {error.strerror}"
    if status.st_uid != os.geteuid():
        return f"{path} belongs to {user_name(status.st_uid)}"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"other users may write {path}: chmod go-w {path}"
    return ""


def distrust_all(path: str) -> str:
    """Like `distrust`, for a file, or for a folder and everything below it. Links are not followed."""
    for folder, folders, files in os.walk(path):
        for each in (folder, *(os.path.join(folder, name) for name in (*folders, *files))):
            if not os.path.islink(each) and (why := distrust(each)):
                return why
    return distrust(path)


def user_name(uid: int) -> str:
    """The name of a user, or `user NUMBER` if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"

"""Check the socket path of a tmux server: what would prevent a server there."""

from __future__ import annotations

import os
import stat
import sys
from shlex import quote

from reconciler.model.problem import Problem

LONGEST = 103 if sys.platform == "darwin" else 107  # bytes; sun_path of unix(7) without its final NUL
_OTHERS = 0o007  # permissions that tmux does not accept on its folder


def socket_obstacle(path: str, *, shared: bool) -> Problem | None:
    """Why no tmux server can be reached or started at this path; None if nothing prevents it.

    `shared` means that the path is in the folder that tmux makes for the sockets of a user.
    """
    return too_long(path, shared=shared) or _no_socket(path) or (_unsafe(path) if shared else _no_folder(path))


def too_long(path: str, *, shared: bool = False) -> Problem | None:
    """The problem of a path that is too long for a socket, or None."""
    size = len(os.fsencode(path))
    if size <= LONGEST:
        return None
    shorter = "a folder with a shorter name in TMUX_TMPDIR" if shared else "a shorter `tmux: {socket_path: ...}`"
    return Problem(
        f"the path of the tmux socket is too long: {size} bytes, {LONGEST} at most", path, f"choose {shorter}"
    )


def _no_socket(path: str) -> Problem | None:
    """The problem of a path with something else than a socket: tmux would delete it."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # nothing is there, or its folder cannot be read
        return None
    if stat.S_ISSOCK(mode):
        return None
    detail = "tmux would delete it to make its socket"
    return Problem(f"{path} is not a tmux socket", detail, "choose another `tmux: {socket_path: ...}`, or move it away")


def _no_folder(path: str) -> Problem | None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        fix = f"mkdir -p -m 700 {quote(folder)}, or correct `tmux: {{socket_path: ...}}`"
        return Problem(f"the folder of the tmux socket does not exist: {folder}", "", fix)
    if not os.path.exists(path) and not os.access(folder, os.W_OK | os.X_OK):
        fix = "choose another `tmux: {socket_path: ...}`"
        return Problem(f"tmux cannot create its socket: you cannot write to {folder}", "", fix)
    return None


def _unsafe(path: str) -> Problem | None:
    """The problem of a folder that tmux refuses: it is another user's, or other users have access to it."""
    folder = os.path.dirname(path)
    try:
        found = os.lstat(folder)
    except OSError:  # it is missing, and tmux creates it
        return None
    fix = "choose a socket elsewhere: `tmux: {socket_path: ...}`"
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return Problem(f"tmux refuses {folder}: it is not your own folder", "tmux keeps its sockets there", fix)
    if found.st_mode & _OTHERS:
        return Problem(
            f"tmux refuses {folder}: other users have access to it", "", f"chmod 700 {quote(folder)}, or {fix}"
        )
    return None

"""How many panes a tmux server can have. Without free descriptors, it loops in accept(2) and answers nothing."""

from __future__ import annotations

import errno
import os
import re
import resource
import socket
import sys

from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.snapshot import OpenFileLimit
from reconciler.ports import proc

_PLENTY = 65_536  # not the hard limit: some programs close every possible descriptor, up to a billion
_PLENTY_ON_MACOS = 10_240  # OPEN_MAX: setrlimit(2) refuses more
_OWN = 16  # the open files of a server without panes, and a few more
_LIMIT = re.compile(r"^Max open files +(\d+|unlimited) +(\d+|unlimited) ", re.MULTILINE)


def open_files() -> int:
    """How many files a new server may open: more than the usual 1,024, and not less than this process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    plenty = _PLENTY_ON_MACOS if sys.platform == "darwin" else _PLENTY
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited:
        return plenty
    return max(soft, plenty if hard == unlimited else min(hard, plenty))


def is_open(path: str) -> bool:
    """Whether a server listens on this socket; also True when that is unknown."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            return client.connect_ex(path) not in {errno.ENOENT, errno.ECONNREFUSED}
    except OSError:  # a path that is too long
        return True


def open_file_limit(pid: int) -> Observed[OpenFileLimit]:
    """The file limit of the server with this pid; `Unknown` without /proc, and for another user's process."""
    if not proc.is_at(proc.ROOT):
        return Unknown("this system has no /proc, and only /proc shows how many files a process may open")
    try:
        with open(f"{proc.ROOT}/{pid}/limits", encoding="ascii") as file:
            found = _LIMIT.search(file.read())
        used = len(os.listdir(f"{proc.ROOT}/{pid}/fd"))
    except OSError as error:
        return Unknown(f"process {pid}: {error.strerror}")
    if not found:
        return Unknown(f"process {pid}: its limits have an unknown format")
    soft, hard = (sys.maxsize if limit == "unlimited" else int(limit) for limit in found.groups())
    return Present(OpenFileLimit(soft, used, pid, hard))


def room_of_a_new_one() -> OpenFileLimit:
    """The file limit of a server that we would start."""
    return OpenFileLimit(open_files(), _OWN)

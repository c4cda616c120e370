"""Names of files that are not complete yet, and what a killed process left under such names.

A name tells its writer: the process id, its start time, and a digest of the machine, boot and pid namespace.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from functools import cache
from zlib import crc32

from reconciler.model.observed import Absent, Present, Unknown

from .clock import RealClock
from .pid_namespace import current_namespace
from .processes import RealProcesses

_NAME = re.compile(r"\..+\.(?P<writer>\d+-\d+-[0-9a-f]{8})\.[0-9a-f]{8}\.tmp")
_WRITER = re.compile(r"(?P<pid>\d+)-(?P<start>\d+)-(?P<place>[0-9a-f]{8})")
# Versions before wrote these: they tell no writer, so only their age counts.
_OLD = re.compile(r".+\.[0-9a-f]{8}\.tmp|lock\.\d+\.[0-9a-f]{8}|[0-9a-f]{64}\.json\.\d+")
_HOUR = 3600.0
_LONGEST = 120  # of the name inside the name: file systems allow 255 bytes in all


def name_for(name: str) -> str:
    """A name for the unfinished content of the file `name`, in the same folder; no other writer gets it."""
    kept = os.fsdecode(os.fsencode(name)[:_LONGEST])
    return f".{kept}.{writer()}.{os.urandom(4).hex()}.tmp"


def writer() -> str:
    """This process, for a name by which `is_gone` can tell whether it still lives."""
    return _writer(os.getpid())


def is_gone(written: str, changed: float) -> bool:
    """Whether the process that `writer` named is surely gone; what it wrote was last changed at `changed`.

    Where the process would not be seen, and where it is not told, an hour without a change counts.
    """
    told = _WRITER.fullmatch(written)
    if told and told["place"] == _place():
        return not _is_alive(int(told["pid"]), int(told["start"]))
    return RealClock().now().timestamp() - changed > _HOUR


def sweep(folder: int, ours: bool, name: str = "") -> None:
    """Remove what dead writers left in an open folder: of the file `name`, or of all files.

    Only regular files of this user count. `ours` says that nobody but reconciler writes there: then the names of
    older versions count too, when they are an hour old. What cannot be removed stays.
    """
    begin = f".{os.fsdecode(os.fsencode(name)[:_LONGEST])}." if name else ""
    left = list[str]()
    with suppress(OSError), os.scandir(folder) as entries:
        left += (entry.name for entry in entries if entry.name.startswith(begin) and _is_left(entry, ours))
    for each in left:
        with suppress(OSError):
            os.unlink(each, dir_fd=folder)


def sweep_tree(top: int) -> None:
    """The same for an open folder of ours and all folders in it, no link followed."""
    with suppress(OSError):
        for _, _, _, folder in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            sweep(folder, ours=True)


def _is_left(entry: os.DirEntry[str], ours: bool) -> bool:
    told = _NAME.fullmatch(entry.name)
    if not told and not (ours and _OLD.fullmatch(entry.name)):
        return False
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        return False
    return is_gone(told["writer"] if told else "", status.st_mtime)


def _is_alive(pid: int, start: int) -> bool:
    """Whether the writer lives, as far as can be told: what cannot be told counts as alive."""
    match RealProcesses().started(pid):
        case Present(now):
            return not start or now == start
        case Absent():
            return False
        case Unknown():
            return True


@cache
def _writer(pid: int) -> str:
    """This process; `pid` keeps a forked child from taking its parent's answer."""
    started = RealProcesses().started(pid)
    return f"{pid}-{started.value if isinstance(started, Present) else 0}-{_place()}"


@cache
def _place() -> str:
    return f"{crc32(repr(current_namespace()).encode()):08x}"

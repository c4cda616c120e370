"""Names for temporary files and private folders, and the removal of those that killed processes left.

A name contains its writer: the pid, its start time, and a digest of the machine, boot and pid namespace.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from zlib import crc32

from reconciler.model.observed import Absent, Present, Unknown

from .clock import RealClock
from .pid_namespace import current_namespace
from .processes import RealProcesses

PRIVATE_FOLDER = "reconciler-"  # how the names of our private folders begin; the writer and a dot follow

_NAME = re.compile(r"\..+\.(?P<writer>\d+-\d+-[0-9a-f]{8})\.[0-9a-f]{8}\.tmp")
_WRITER = re.compile(r"(?P<pid>\d+)-(?P<start>\d+)-(?P<place>[0-9a-f]{8})")
# The names of older versions. They do not contain the writer, so only their age counts.
_OLD = re.compile(r".+\.[0-9a-f]{8}\.tmp|lock\.\d+\.[0-9a-f]{8}|[0-9a-f]{64}\.json\.\d+")
_HOUR = 3600.0
_LONGEST = 120  # bytes of the original name; file systems allow 255 bytes in total


def name_for(name: str) -> str:
    """A unique temporary name for the file `name`, in the same folder."""
    kept = os.fsdecode(os.fsencode(name)[:_LONGEST])
    return f".{kept}.{writer()}.{os.urandom(4).hex()}.tmp"


def writer() -> str:
    """This process as text for a name. `is_gone` can tell from it whether the process still lives."""
    return _writer(os.getpid())


def is_gone(written: str, changed: float) -> bool:
    """Whether the process in the name part `written` has certainly ended. `changed` is the last change of its file.

    If the process is unknown, or would not be visible here, an hour without a change counts as the end.
    """
    found = _WRITER.fullmatch(written)
    if found and found["place"] == _place():
        return not _is_alive(int(found["pid"]), int(found["start"]))
    return RealClock().now().timestamp() - changed > _HOUR


def sweep(folder: int, ours: bool, name: str = "") -> None:
    """Remove temporary files of ended writers from an open folder: those for the file `name`, or all of them.

    Only regular files of this user count. `ours` means that only reconciler writes in this folder: then the names of
    older versions count too, when they are an hour old. Files that cannot be removed stay.
    """
    begin = f".{os.fsdecode(os.fsencode(name)[:_LONGEST])}." if name else ""
    left = list[str]()
    with suppress(OSError), os.scandir(folder) as entries:
        left += (entry.name for entry in entries if entry.name.startswith(begin) and _is_left(entry, ours))
    for each in left:
        with suppress(OSError):
            os.unlink(each, dir_fd=folder)


def sweep_tree(top: int) -> None:
    """The same for an open folder of ours and all folders below it. Links are not followed."""
    with suppress(OSError):
        for _, _, _, folder in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            sweep(folder, ours=True)


def parents_of_private_folders(environment: Mapping[str, str]) -> Iterator[str]:
    """Where a private folder may be: the runtime folder of the user's session, TMPDIR, /tmp."""
    for given in (environment.get("XDG_RUNTIME_DIR"), environment.get("TMPDIR"), "/tmp"):  # noqa: S108 - a folder of our own
        if given and os.path.isabs(given):
            yield given


def sweep_private_folders(environment: Mapping[str, str]) -> None:
    """Remove this user's private folders whose writer was killed. Folders that cannot be removed stay."""
    for parent in parents_of_private_folders(environment):
        left = list[str]()
        with suppress(OSError), os.scandir(parent) as entries:
            left += (entry.path for entry in entries if _is_left_folder(entry))
        if left:
            import shutil  # noqa: PLC0415 - slow to load, and rarely needed

            for folder in left:
                shutil.rmtree(folder, ignore_errors=True)


def _is_left_folder(entry: os.DirEntry[str]) -> bool:
    if not entry.name.startswith(PRIVATE_FOLDER) or not entry.is_dir(follow_symlinks=False):
        return False
    status = entry.stat(follow_symlinks=False)
    written = entry.name.removeprefix(PRIVATE_FOLDER).partition(".")[0]
    return status.st_uid == os.geteuid() and is_gone(written, status.st_mtime)


def _is_left(entry: os.DirEntry[str], ours: bool) -> bool:
    found = _NAME.fullmatch(entry.name)
    if not found and not (ours and _OLD.fullmatch(entry.name)):
        return False
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        return False
    return is_gone(found["writer"] if found else "", status.st_mtime)


def _is_alive(pid: int, start: int) -> bool:
    """Whether the writer still lives. If that is unknown, it counts as alive."""
    match RealProcesses().started(pid):
        case Present(now):
            return not start or now == start
        case Absent():
            return False
        case Unknown():
            return True


@cache
def _writer(pid: int) -> str:
    """This process as text. `pid` is the cache key, so that a forked child does not get the answer of its parent."""
    started = RealProcesses().started(pid)
    return f"{pid}-{started.value if isinstance(started, Present) else 0}-{_place()}"


@cache
def _place() -> str:
    return f"{crc32(repr(current_namespace()).encode()):08x}"

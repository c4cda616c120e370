"""The folders: whether our files fit in, whose they are, and what was left in them."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from msgspec.structs import replace

from reconciler.app.doctor.facts import FolderFacts, MachineFacts, PlaceFacts
from reconciler.model.checkup import CheckName, CheckResult, Cure, Level
from reconciler.model.observed import Present, Unknown
from reconciler.ports.folder_state import FolderState

from .results import counted, error, note, ok, some, unknown, warning

_FULL, _LITTLE = 1 << 20, 100 << 20  # bytes
_FEW_FILES = 100
_PLAIN = frozenset({"exfat", "fuseblk", "msdos", "ntfs", "ntfs3", "vfat"})
_REMOTE = frozenset({"9p", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3"})
_FIX = "reconciler doctor --fix"
_OTHERS_WRITE = 0o022
_OF_ALL = "temporary files"  # a folder of the whole machine


def folders(facts: MachineFacts) -> Iterator[CheckResult]:
    """Every folder that is needed, and what is in ours."""
    found = facts.folders
    troubles = {place.path: list(_place(place)) for place in found.places}
    yield from (each for several in troubles.values() for each in several)
    if usable := [path for path, several in troubles.items() if not several]:
        yield ok(CheckName.FOLDER, f"{counted(len(usable), 'folder')} can be used: {', '.join(usable)}")
    yield from _runtime(found)
    if isinstance(found.links, Unknown):
        links = found.links
        yield error(CheckName.LINKS, "a folder of reconciler cannot be used", links.reason, links.fix)
    yield from _modes(found)
    yield from _leftovers(found)


def _place(place: PlaceFacts) -> Iterator[CheckResult]:
    if place.nearest != place.path and not place.is_made:
        yield _bad(place, f"{place.path} does not exist", fix=f"mkdir -p {quote(place.path)}")
        return
    match place.state:
        case Present(state):
            yield from (each for each in _troubles(place, state) if each)
        case Unknown() as why:
            yield unknown(CheckName.FOLDER, f"{place.purpose}: {place.path} cannot be looked at", why)
        case _:
            yield _bad(place, f"{place.path} does not exist", fix=f"mkdir -p {quote(place.path)}")


def _troubles(place: PlaceFacts, state: FolderState) -> Iterator[CheckResult | None]:
    if not state.is_folder:
        yield _bad(place, f"{place.nearest} is not a folder", fix="move it away")
        return
    yield _whose(place, state)
    if state.writable:
        yield _room(place, state)
    yield _file_system(place, state)


def _whose(place: PlaceFacts, state: FolderState) -> CheckResult | None:
    """A problem with owner or permissions. A folder that is missing yet needs a parent that we may write."""
    ours = place.nearest == place.path and place.purpose != _OF_ALL
    if not state.writable:
        of = f", it belongs to {state.owner}" if state.owner else ""
        fix = f"run reconciler as that user: sudo -u {quote(state.owner)} reconciler ..." if state.owner else ""
        fix = fix or f"chmod u+wx {quote(place.nearest)}, or mount its file system for writing"
        return _bad(place, f"you cannot write to {place.nearest}{of}", fix=fix)
    if ours and state.owner:
        fix = f"run reconciler as that user: sudo -u {quote(state.owner)} reconciler ..."
        return warning(CheckName.FOLDER, f"{place.purpose}: {place.path} belongs to {state.owner}", fix=fix)
    if ours and state.mode & _OTHERS_WRITE and not place.needed:
        fix = f"chmod go-w {quote(place.path)}"
        detail = "reconciler does not trust files in it"
        return warning(CheckName.FOLDER, f"{place.purpose}: other users may write to {place.path}", detail, fix)
    return None


def _room(place: PlaceFacts, state: FolderState) -> CheckResult | None:
    files_left = state.files_left
    if state.free < _FULL or files_left == 0:
        return _bad(place, f"the file system of {place.nearest} is full", fix="free some space: df -h; df -i")
    if state.free < _LITTLE or (files_left is not None and files_left < _FEW_FILES):
        left = f"{state.free >> 20} MiB, {files_left} files" if files_left is not None else f"{state.free >> 20} MiB"
        summary = f"{place.purpose}: the file system of {place.nearest} is almost full ({left})"
        return warning(CheckName.FOLDER, summary, fix="free some space: df -h; df -i")
    return None


def _file_system(place: PlaceFacts, state: FolderState) -> CheckResult | None:
    what = f"{place.purpose}: {place.nearest} is on {state.kind}"
    if state.kind in _PLAIN:
        detail = "it has neither permissions nor hard links, so other users of this machine may read what is there"
        return note(CheckName.FOLDER, what, detail, "keep the registry elsewhere: --registry FILE")
    if state.kind in _REMOTE:
        detail = "another machine may write there at the same time, with a clock of its own"
        return note(CheckName.FOLDER, what, detail, "work on a project from one machine only")
    return None


def _bad(place: PlaceFacts, summary: str, fix: str) -> CheckResult:
    """An error, or a warning for a folder without which the rest works."""
    found = error(CheckName.FOLDER, f"{place.purpose}: {summary}", fix=fix)
    return found if place.needed else replace(found, level=Level.WARNING)


def _runtime(found: FolderFacts) -> Iterator[CheckResult]:
    if not found.runtime:
        return
    state = found.runtime_state
    usable = isinstance(state, Present) and state.value.is_folder and state.value.writable and not state.value.owner
    if usable:
        yield ok(CheckName.RUNTIME, f"XDG_RUNTIME_DIR: {found.runtime}")
        return
    detail = "secrets are handed to agents in the folder for temporary files instead"
    summary = f"XDG_RUNTIME_DIR is {found.runtime}, which is not a folder of yours that you can write to"
    yield warning(CheckName.RUNTIME, summary, detail, "unset XDG_RUNTIME_DIR, or log in without su or sudo")


def _modes(found: FolderFacts) -> Iterator[CheckResult]:
    match found.readable:
        case Unknown() as why:
            yield unknown(CheckName.MODES, "cannot tell who may read the files of reconciler", why)
        case Present(paths) if paths:
            summary = f"other users may read or write {counted(len(paths), 'file')} of reconciler"
            fix = f"{_FIX}, or chmod 600 the files"
            made = warning(CheckName.MODES, summary, some(paths), fix, Cure.MODES)
            yield replace(made, paths=paths)


def _leftovers(found: FolderFacts) -> Iterator[CheckResult]:
    match found.leftovers:
        case Unknown() as why:
            yield unknown(CheckName.FILE_LEFTOVERS, "cannot tell what killed commands left", why)
        case Present(paths) if paths:
            summary = f"killed commands left {counted(len(paths), 'item')} on disk"
            yield warning(CheckName.FILE_LEFTOVERS, summary, some(paths), _FIX, Cure.FILES)

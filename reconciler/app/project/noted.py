"""The projects of this user: an apply notes its project, and `--all` opens all that are noted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.project.fences import fence_project
from reconciler.app.project.manifests import load_manifests, manifest_paths, nothing_declared
from reconciler.app.project.notes import notes_folder
from reconciler.app.project.places import registry_file
from reconciler.app.project.project import Project
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import InvalidManifest, ReconcilerError
from reconciler.model.moment import to_second
from reconciler.model.project_note import NoteStanding, ProjectNote
from reconciler.model.record import Record
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux.shared_look import SharedLooks
from reconciler.state.placement import PlacementState
from reconciler.state.project_notes import StoredNote, note_file, read_note, remove_note, stored_notes, write_note
from reconciler.state.registry import placement, read

# --- writing ----------------------------------------------------------------------------------


class NoteRequest(Struct, frozen=True):
    """What an apply knows of its project before it changes anything; `changes` says whether it will."""

    record: Record
    lineage: str
    socket: str
    changes: bool


def note_project(at: Project, known: NoteRequest) -> Diagnostic | None:
    """Note the project for commands with `--all`, unless its note says the same and nothing changes.

    Returns the warning if that fails, because no apply fails for it. The caller must hold the project's lock.
    """
    folder = notes_folder(at.env, at.home)
    try:
        before = read_note(folder, at.registry_path)
        if before and not known.changes and _is_same(before, at, known):
            return None
        note = ProjectNote(at.root, at.registry_path, known.socket, known.lineage, to_second(at.now()))
        write_note(folder, note)
        if before is None:
            _forget_former(folder, at, known.record)
    except OSError as error:
        return _not_noted(f"{error.filename or folder}: {error.strerror}")
    except ReconcilerError as error:
        return _not_noted(f"{error.summary}; {error.fix}")
    return None


def note_settled(at: Project, record: Record, lineage: str) -> Diagnostic | None:
    """The same for a project whose manifests and registry were just written, without a plan."""
    try:
        paths = manifest_paths(at, ())
        desired = load_manifests(at, paths).desired if paths else nothing_declared(at, record)
    except ReconcilerError as error:
        return _not_noted(error.summary)
    socket = at.world(desired.socket).tmux.socket_path
    return note_project(at, NoteRequest(record, lineage, socket, changes=True))


def forget_unborn(at: Project) -> None:
    """Remove the note of a project whose first apply wrote no registry, because nothing could be done."""
    if not os.path.lexists(at.registry_path):
        with suppress(OSError, ReconcilerError):  # then `projects list` shows it
            remove_note(note_file(notes_folder(at.env, at.home), at.registry_path))


def _is_same(before: ProjectNote, at: Project, known: NoteRequest) -> bool:
    """Whether a note is right; both names of a linked folder are."""
    same_place = os.path.realpath(before.root) == os.path.realpath(at.root)
    return same_place and (before.socket, before.lineage) == (known.socket, known.lineage)


def _forget_former(folder: str, at: Project, record: Record) -> None:
    """Remove the note of a project folder that was renamed or moved to the present one."""
    place = placement(at.registry, record)
    if place is None or place.recorded is None or place.state is not PlacementState.MOVED:
        return
    former = os.path.join(place.recorded.folder, os.path.basename(at.registry_path))
    noted = read_note(folder, former)
    if noted and noted.lineage == record.lineage:
        remove_note(note_file(folder, former))


def _not_noted(reason: str) -> Diagnostic:
    return Diagnostic(
        Severity.WARNING,
        "this project cannot be noted, so `reconciler status --all` does not show it",
        reason,
        "make that folder writable for you, or choose another one: XDG_STATE_HOME=DIR",
    )


# --- opening ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class NotedProject:
    """A noted project; its folder was not looked at yet."""

    note: ProjectNote
    file: str
    at: Project


@dataclass(frozen=True)
class NotedProjects:
    """All noted projects, sorted by folder, and the notes that cannot be read.

    They share `looks`: a tmux server that several of them use is looked at once, until `looks.clear()`.
    """

    projects: tuple[NotedProject, ...]
    damaged: tuple[StoredNote, ...]
    looks: SharedLooks


class OpenOptions(Struct, frozen=True):
    """What all opened projects share: the environment and home of this command, and its looks at tmux servers."""

    env: Mapping[str, str]
    home: str
    looks: SharedLooks


def open_noted_projects(looks: SharedLooks | None = None) -> NotedProjects:
    """Open every noted project of this user; none of their folders is looked at.

    Raises:
        ReconcilerError: The folder of the notes cannot be read.
    """
    env = dict(os.environ)
    home = env.get("HOME") or os.path.expanduser("~")
    shared = OpenOptions(env, home, looks or SharedLooks())
    found = list(stored_notes(notes_folder(env, home)))
    opened = sorted(_opened(found, shared), key=lambda each: (each.note.root, each.note.registry))
    return NotedProjects(tuple(opened), tuple(each for each in found if each.note is None), shared.looks)


def _opened(found: Iterable[StoredNote], shared: OpenOptions) -> Iterable[NotedProject]:
    files, processes, clock = RealFiles(), RealProcesses(), RealClock()
    for each in found:
        if each.note is None:
            continue
        note = each.note
        fence_project(note.root, note.registry, chosen=note.registry != registry_file(note.root, ""))
        at = Project(
            root=note.root,
            registry_path=note.registry,
            env=_environment(shared.env, note.socket),
            files=files,
            processes=processes,
            clock=clock,
            connect=shared.looks.connector(),
        )
        yield NotedProject(note, each.file, at)


def _environment(env: Mapping[str, str], socket: str) -> Mapping[str, str]:
    """The environment, with the variables that name the tmux server of the project's last apply."""
    folder, name = os.path.split(socket)
    if os.path.basename(folder) != f"tmux-{os.getuid()}":
        return env
    return {**env, "TMUX_TMPDIR": os.path.dirname(folder), "TMUX_SERVER_NAME": name}


# --- where it is now --------------------------------------------------------------------------


class FoundProject(Struct, frozen=True):
    """Whether a noted project is still there, and why not, for the user."""

    standing: NoteStanding
    reason: str = ""

    @property
    def severity(self) -> Severity:
        """How serious it is when the project is left out: where it lives now is shown for a moved or copied one."""
        elsewhere = self.standing in {NoteStanding.MOVED, NoteStanding.COPY}
        return Severity.WARNING if elsewhere else Severity.ERROR


def find_noted(noted: NotedProject, others: Iterable[NotedProject] = ()) -> FoundProject:
    """Look whether a noted project is still where its note says; `others` may show where it was moved to."""
    missing = missing_project(noted)
    if missing is None:
        return _by_registry(noted)
    if missing.standing is NoteStanding.GONE:
        lineage = noted.note.lineage
        same = (each for each in others if each.note.lineage == lineage != "" and each.file != noted.file)
        if moved := next((each for each in same if missing_project(each) is None), None):
            return FoundProject(NoteStanding.MOVED, f"it was moved to {moved.note.root}")
    return missing


def missing_project(noted: NotedProject) -> FoundProject | None:
    """Why the registry is not to be seen; None if it is there. It is not read."""
    note = noted.note
    for path, what in ((note.root, "its folder is not there"), (note.registry, f"{note.registry} is not there")):
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return FoundProject(NoteStanding.GONE, what)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a path"
            return FoundProject(NoteStanding.UNREADABLE, f"{path}: {reason}")
    return None


def _by_registry(noted: NotedProject) -> FoundProject:
    try:
        place = placement(noted.at.registry, read(noted.at.registry).record)
    except ReconcilerError as error:
        return FoundProject(NoteStanding.UNREADABLE, error.summary)
    if place is not None and place.state is PlacementState.COPY:
        return FoundProject(NoteStanding.COPY, f"it is a copy: {place.why}")
    return FoundProject(NoteStanding.HERE)


T = TypeVar("T")


class ProjectResult(Struct, Generic[T], frozen=True):
    """What a command found in one project; without a `result`, `error` says why it is left out."""

    noted: NotedProject
    result: T | None
    error: Diagnostic | None = None


def seen_in_each(found: NotedProjects, do: Callable[[Project], T]) -> Iterator[ProjectResult[T]]:
    """Do something in every noted project, one after the other; what fails in one leaves the others alone."""
    for each in found.projects:
        there = find_noted(each, found.projects)
        if there.standing is not NoteStanding.HERE:
            yield ProjectResult(each, None, left_out(each, there))
            continue
        try:
            yield ProjectResult(each, do(each.at))
        except InvalidManifest as error:
            first = error.diagnostics[0]
            yield ProjectResult(each, None, replace(first, summary=f"{error.summary}: {first.summary}"))
        except ReconcilerError as error:
            yield ProjectResult(each, None, error.diagnostics[0])
        except OSError as error:  # a folder was deleted while it was being listed
            yield ProjectResult(
                each, None, Diagnostic(Severity.ERROR, f"{error.filename or 'a file'}: {error.strerror}")
            )


def damaged_notes(found: NotedProjects) -> tuple[Diagnostic, ...]:
    """The errors about notes that cannot be read."""
    fix = "run `reconciler apply` in its project, which writes it again; or remove it: reconciler projects forget"
    return tuple(
        Diagnostic(Severity.ERROR, f"the note {each.file} cannot be read", each.trouble, f"{fix} {each.file}")
        for each in found.damaged
    )


def left_out(noted: NotedProject, there: FoundProject) -> Diagnostic:
    """Why a project that is not where it was is left out, and what to do about it."""
    gone = there.standing is NoteStanding.GONE
    fix = way_back(noted) if gone else f"reconciler projects forget {noted.note.root}"
    return Diagnostic(there.severity, there.reason, fix="" if there.standing is NoteStanding.UNREADABLE else fix)


def way_back(noted: NotedProject) -> str:
    """What to type when a noted project is not there: its disk may only be unmounted."""
    return f"mount its disk, or restore it; if it is gone for good: reconciler projects forget {noted.note.root}"

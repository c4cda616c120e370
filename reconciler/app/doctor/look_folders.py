"""Look at the folders in which reconciler writes, and for files that killed commands left there."""

from __future__ import annotations

import os
from collections.abc import Iterator

from reconciler.app.project.fences import BESIDE, fence_records
from reconciler.app.project.project import Project
from reconciler.model.observed import ABSENT, Observed
from reconciler.ports import own_files, temporary
from reconciler.ports.folder_state import folder_state, nearest

from .attempts import attempt
from .facts import FolderFacts, PlaceFacts


def look_at_folders(at: Project) -> FolderFacts:
    """The folders of this project and of this user."""
    fence_records(at.own_folders[1])
    runtime = at.env.get("XDG_RUNTIME_DIR", "")
    return FolderFacts(
        places=tuple(_place(*each) for each in _wanted(at)),
        runtime=runtime,
        runtime_state=folder_state(runtime) if runtime else ABSENT,
        links=attempt(lambda: _refuse_links(at)),
        readable=readable_by_others(at),
        leftovers=attempt(lambda: tuple(_leftovers(at))),
    )


def readable_by_others(at: Project) -> Observed[tuple[str, ...]]:
    """Our files that other users may read or write. They contain prompts, tokens and conversation ids."""
    return attempt(lambda: tuple(path for own in _own_files(at) for path in own_files.readable_by_others(own)))


def _own_files(at: Project) -> Iterator[str]:
    """The files that only we use. Other tools may keep files beside the registry; the broker's have other modes."""
    yield from (f"{at.registry_path}{suffix}" for suffix in ("", ".bak", ".before-completion"))
    yield from (os.path.join(at.state, name) for name in BESIDE)
    yield from at.own_folders[1:]


def _wanted(at: Project) -> Iterator[tuple[str, str, bool, bool]]:
    """The purpose and path of each folder, whether everything needs it, and whether reconciler creates it."""
    state, records, monitor = at.own_folders
    yield "the project", at.root, True, False
    yield "the registry, its lock and history", state, True, True
    yield "job records", records, False, True
    yield "the monitor's state", monitor, False, True
    yield "your home", at.home, True, False
    yield "crash reports", os.path.join(_state_home(at), "reconciler"), False, True
    yield "temporary files", at.env.get("TMPDIR") or "/tmp", False, False  # noqa: S108 - asked, not used


def _state_home(at: Project) -> str:
    chosen = at.env.get("XDG_STATE_HOME", "")
    return chosen if os.path.isabs(chosen) else os.path.join(at.home, ".local", "state")


def _place(purpose: str, path: str, needed: bool, is_made: bool) -> PlaceFacts:
    above = nearest(path)
    state = folder_state(above)
    return PlaceFacts(purpose=purpose, path=path, nearest=above, state=state, needed=needed, is_made=is_made)


def _refuse_links(at: Project) -> None:
    for folder in (at.state, at.generations.folder, at.own_folders[1]):
        own_files.refuse_links(folder)


def _leftovers(at: Project) -> Iterator[str]:
    for folder in at.own_folders:
        yield from own_files.left_behind(folder, ours=True)
    for folder in at.manifest_folders:
        yield from own_files.left_behind(folder, ours=False)
    yield from temporary.left_private_folders(at.env)

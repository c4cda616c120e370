"""Take over the files of a project that were copied beside it: what `fleet push` runs on each host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.catalogue import BUILT_IN, installed
from reconciler.app.project.manifests import manifest_sources, variables
from reconciler.app.project.project import Project
from reconciler.app.project.validation import of_the_manifests
from reconciler.manifest import HOST_VALUES, ManifestContext, Source, load
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Severity
from reconciler.model.errors import InvalidManifest, ReconcilerError, Refused
from reconciler.ports.folder_copy import changed_files, copy_files, delete_files, files_below
from reconciler.state.lock import hold
from reconciler.state.registry import read

LEFT_OUT = (".hermes", ".mam", "delegate_job_logs", ".git", ".cache")
"""What a push neither copies nor deletes, wherever it is; and files that end with `.plan`."""
_YAML = (".yaml", ".yml")


class Received(Struct, frozen=True):
    """What a push did to the folder; paths from it."""

    written: Sequence[str]
    deleted: Sequence[str]


def is_left_out(path: str) -> bool:
    """Whether a push neither copies nor deletes this path."""
    return path.endswith(".plan") or not set(path.split(os.sep)).isdisjoint(LEFT_OUT)


def receive(at: Project, source: str, *, delete: bool, lock_timeout: float = 0) -> Received:
    """Check the manifests in `source` as they would be in the project, and then replace the project's files.

    The folder stays the same one: the registry, workspaces in it, and everything else that was not copied stay.

    Raises:
        InvalidManifest: The manifests have mistakes; nothing was replaced.
        Refused: `delete`, and the project folder itself is a workspace.
        LockHeld: Another command is running.
        ReconcilerError: A file cannot be written.
    """
    with hold(at.lock, "push", lock_timeout):
        recorded = [row.path for row in read(at.registry).record.workspaces.values() if row.path]
        desired = checked(at, source, [] if delete else _only_here(at, source, recorded))
        homes = [*(each.path for each in desired.workspaces.values()), *recorded]
        out = leaving_out(at.root, homes)
        new = list(files_below(source, out))
        gone = _gone(at, new, homes, out) if delete else []
        return _replaced(at, source, new, gone)


def _replaced(at: Project, source: str, new: Sequence[str], gone: Sequence[str]) -> Received:
    try:
        written = changed_files(source, at.root, new)
        copy_files(source, at.root, written)
        delete_files(at.root, gone)
    except OSError as error:
        raise ReconcilerError(f"{error.filename} cannot be replaced", detail=error.strerror or "") from error
    return Received(sorted(written), sorted(gone))


def leaving_out(root: str, homes: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path from `root` is left out, if these are the folders of agents: their files are theirs."""
    inside = {os.path.relpath(each, root) for each in homes if each.startswith(f"{root}{os.sep}")}

    def is_out(path: str) -> bool:
        return is_left_out(path) or any(path == home or path.startswith(f"{home}{os.sep}") for home in inside)

    return is_out


def _only_here(at: Project, source: str, homes: Sequence[str]) -> list[str]:
    """The YAML files that the project has and `source` has not, outside of the folders of agents: they stay."""
    here = (path for path in files_below(at.root, leaving_out(at.root, homes)) if path.endswith(_YAML))
    return [path for path in here if not os.path.lexists(os.path.join(source, path))]


def _gone(at: Project, new: Sequence[str], homes: Sequence[str], out: Callable[[str], bool]) -> list[str]:
    """The files that `--delete` removes."""
    if any(each == at.root or at.root.startswith(f"{each}{os.sep}") for each in homes):
        summary = "the project folder is a workspace of agents: --delete would delete their files"
        raise Refused(summary, fix="push without --delete")
    known = set(new)
    return [path for path in files_below(at.root, out) if path not in known]


def checked(at: Project, source: str, beside: Sequence[str] = (), values: Mapping[str, str] | None = None) -> Desired:
    """What the manifests in `source` declare in the project folder, together with the files `beside` of the project.

    `values` are those of a host; without them, `reconciler.env.yaml` in `source` has them, else that of the project.

    Raises:
        InvalidManifest: There are mistakes.
        UsageError: There is no manifest.
    """
    try:
        copy_files(at.root, source, beside)  # includes are read beside what includes them
    except OSError as error:
        raise ReconcilerError(f"{error.filename} cannot be copied", detail=error.strerror or "") from error
    there = replace(at, root=source)
    if values is None:
        has_values = os.path.lexists(os.path.join(source, HOST_VALUES))
        env = variables(there if has_values else at)
    else:
        env = {**at.env, **values}
    sources = [Source(os.path.relpath(path, source), each.data) for path, each in manifest_sources(there, ()).items()]
    context = ManifestContext(at.root, at.home, env, os.path.basename(at.root))
    desired = load(sources, context, frozenset({*BUILT_IN, *installed()})).desired
    mistakes = tuple(each for each in of_the_manifests(at, desired) if each.severity is Severity.ERROR)
    if mistakes:
        raise InvalidManifest(mistakes)
    return desired

"""Look at the project: its manifests, its registry, and the live state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.project.manifests import display_path, load_manifests, manifest_paths, nothing_declared
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import older_shapes, unconfirmed
from reconciler.kinds.agent.case import PlanOptions
from reconciler.kinds.agent.unmanaged import unmanaged
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import InvalidManifest, ReconcilerError
from reconciler.model.moment import to_second
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import MAY_LIVE, Record
from reconciler.model.snapshot import Snapshot, TmuxState
from reconciler.observe import SnapshotRequest, observe
from reconciler.state import lock
from reconciler.state.registry import StoredRegistry, placement, read

from .attempts import attempt
from .facts import ProjectFacts


class _Declared(Struct, frozen=True):
    """What the manifests declare, and all mistakes in them."""

    desired: Desired
    mistakes: tuple[Diagnostic, ...] = ()


def look_at_project(at: Project) -> ProjectFacts:
    """The project, as far as it can be read. Damage to one part does not hide the other parts."""
    stored = _stored(at)
    record = stored.value.record if isinstance(stored, Present) else Record()
    paths = attempt(lambda: tuple(manifest_paths(at, ())))
    declared = _declared(at, paths, record)
    snapshot = attempt(partial(_snapshot, at, declared.desired, record))
    return ProjectFacts(
        root=at.root,
        registry_path=at.registry_path,
        manifests=ABSENT if paths == Present(()) else paths,
        mistakes=declared.mistakes,
        desired=declared.desired,
        stored=stored,
        older=_older(at, stored),
        unconfirmed=_unconfirmed(at),
        placement=attempt(lambda: placement(at.registry, record)) if isinstance(stored, Present) else ABSENT,
        lock=lock.status(at.lock),
        holder=_holder(at),
        snapshot=snapshot,
        unmanaged=unmanaged(
            declared.desired, record, tmux_in(snapshot), catalogue(declared.desired.agent_types.values())
        ),
        missing_folders=_missing_folders(at, record),
    )


def tmux_in(snapshot: Observed[Snapshot]) -> Observed[TmuxState]:
    """The answer of tmux in the snapshot."""
    return snapshot.value.tmux if isinstance(snapshot, Present) else Unknown("the live state could not be read")


def _stored(at: Project) -> Observed[StoredRegistry]:
    found = attempt(lambda: read(at.registry))
    return ABSENT if isinstance(found, Present) and not found.value.text else found


def _declared(at: Project, paths: Observed[tuple[str, ...]], record: Record) -> _Declared:
    """What the manifests declare. If they cannot be read: no agents, on the recorded tmux server."""
    nothing = nothing_declared(at, record)
    if not isinstance(paths, Present) or not paths.value:
        return _Declared(nothing)
    try:
        return _Declared(load_manifests(at, ()).desired)
    except InvalidManifest as error:
        return _Declared(nothing, error.diagnostics)
    except ReconcilerError as error:
        return _Declared(nothing, (Diagnostic(Severity.ERROR, error.summary, error.detail, error.fix),))


def _snapshot(at: Project, desired: Desired, record: Record) -> Snapshot:
    """The live state without brokers, which `look_broker` reads."""
    wanted, recorded = replace(desired, brokers={}), replace(record, brokers={})
    options = PlanOptions(lineage=record.lineage, now=to_second(at.now()))
    profiles = catalogue(desired.agent_types.values())
    return observe(
        SnapshotRequest(wanted, recorded, profiles, options, everyone=True), at.world(desired.socket), at.caller
    )


def _older(at: Project, stored: Observed[StoredRegistry]) -> tuple[Diagnostic, ...]:
    return older_shapes(at, stored.value) if isinstance(stored, Present) else ()


def _unconfirmed(at: Project) -> tuple[Diagnostic, ...]:
    found = attempt(lambda: unconfirmed(at))
    if isinstance(found, Present):
        return found.value
    path = display_path(os.path.join(at.state, "confirm.json"))
    reason = found.reason if isinstance(found, Unknown) else ""
    return (Diagnostic(Severity.WARNING, f"{path} cannot be read", reason, "reconciler confirm, or remove the file"),)


def _holder(at: Project) -> str:
    found = lock.status(at.lock)
    return lock.describe_holder(found.value.info, at.clock) if isinstance(found, Present) else ""


def _missing_folders(at: Project, record: Record) -> Mapping[str, str]:
    """Recorded workspaces with agents that nobody stopped, whose folder is missing."""
    used = {row.workspace for row in record.sessions.values() if row.managed and row.status in MAY_LIVE}
    rows = (row for row in record.workspaces.values() if row.managed and row.path and row.name in used)
    return {row.name: row.path for row in rows if isinstance(at.files.folder(row.path), Absent)}

"""One look at all agents of a project, without a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.project.manifests import (
    load_manifests,
    manifest_paths,
    nothing_declared,
)
from reconciler.app.project.project import Project
from reconciler.kinds.agent.case import Case, PlanOptions, with_unmanaged
from reconciler.kinds.agent.unmanaged import unmanaged as find
from reconciler.model.address import Address
from reconciler.model.desired import Desired
from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import to_second
from reconciler.model.observed import ABSENT, Observed, Unknown
from reconciler.model.snapshot import Pane, Snapshot, tmux_trouble
from reconciler.observe import SnapshotRequest, observe_cases
from reconciler.state.registry import StoredRegistry, read


def nothing(_path: str) -> bool:
    """Leave no file out."""
    return False


class ProjectView(Struct, frozen=True):
    """Everything that status, show and unmanaged are made from."""

    desired: Desired
    stored: StoredRegistry
    snapshot: Snapshot
    cases: Mapping[Address, Case]
    has_manifest: bool = True

    def pane(self, address: Address) -> Observed[Pane]:
        """The live pane of an agent, even if an older tool started it or nothing manages it."""
        types = catalogue(self.desired.agent_types.values())
        everyone = with_unmanaged(self.cases, self.stored.record, self.snapshot, types)
        return everyone[address].pane if address in everyone else ABSENT


def look(at: Project, *, everyone: bool = True, left_out: Callable[[str], bool] = nothing) -> ProjectView:
    """Look at all agents, also in a project that has only a registry.

    A file for which `left_out` is true is not read as a manifest.
    """
    paths = [path for path in manifest_paths(at, ()) if not left_out(path)]
    stored = read(at.registry)
    desired = _declared(at, paths, stored)
    profiles = catalogue(desired.agent_types.values())
    options = PlanOptions(lineage=stored.record.lineage, now=to_second(at.now()))
    # looking at brokers is slow, and these commands do not show them
    wanted, recorded = replace(desired, brokers={}), replace(stored.record, brokers={})
    question = SnapshotRequest(wanted, recorded, profiles, options, everyone=everyone)
    snapshot, agents = observe_cases(question, at.world(desired.socket), at.caller)
    return ProjectView(desired, stored, snapshot, agents, bool(paths))


def declared(at: Project) -> Desired:
    """What the manifests declare, without a look at any agent."""
    return _declared(at, manifest_paths(at, ()), read(at.registry))


def _declared(at: Project, paths: Sequence[str], stored: StoredRegistry) -> Desired:
    return load_manifests(at, paths).desired if paths else nothing_declared(at, stored.record)


def unseen(tmux: Unknown) -> ReconcilerError:
    """The error for a tmux server that cannot be asked."""
    trouble = tmux_trouble(tmux)
    return ReconcilerError(trouble.summary, detail=trouble.detail, fix=trouble.fix)


def unmanaged_sessions(at: Project, left_out: Callable[[str], bool] = nothing) -> list[dict[str, object]]:
    """The unmanaged sessions, as published; `left_out` is as for `look`. Raises ReconcilerError if tmux fails."""
    seen = look(at, everyone=False, left_out=left_out)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    types = catalogue(seen.desired.agent_types.values())
    return [to_builtins(each) for each in find(seen.desired, seen.stored.record, seen.snapshot.tmux, types)]

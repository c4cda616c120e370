"""The values that a plan compares."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.kinds.agent.case import Case, PlanOptions, cases
from reconciler.kinds.workspace.case import WorkspaceCase
from reconciler.model.address import Address
from reconciler.model.desired import Desired, Workspace
from reconciler.model.observed import ABSENT
from reconciler.model.record import Record
from reconciler.model.snapshot import Snapshot


class Sources(Struct, frozen=True):
    """Desired, recorded and live state, and the agent types that they use."""

    desired: Desired
    record: Record
    snapshot: Snapshot
    profiles: Mapping[str, Profile]

    def cases(self, options: PlanOptions) -> dict[Address, Case]:
        """Join what the three sources know of each agent."""
        return cases(self.desired, self.record, self.snapshot, self.profiles, options)


def workspace_case(sources: Sources, spec: Workspace) -> WorkspaceCase:
    """Join what the three sources know of one wanted workspace."""
    snapshot = sources.snapshot
    repo = snapshot.real.get(spec.git.repo, spec.git.repo) if spec.git else ""
    row = sources.record.workspaces.get(spec.address.workspace)
    found, obstacle = snapshot.folders.get(spec.path, ABSENT), snapshot.obstacles.get(spec.path)
    return WorkspaceCase(spec=spec, row=row, folder=found, repo=repo, obstacle=obstacle)

"""What a plan compares."""

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
    """The three things that are compared, and the agent types they speak of."""

    desired: Desired
    record: Record
    snapshot: Snapshot
    profiles: Mapping[str, Profile]

    def cases(self, options: PlanOptions) -> dict[Address, Case]:
        """What is known of each agent, from all three."""
        return cases(self.desired, self.record, self.snapshot, self.profiles, options)


def workspace_case(sources: Sources, spec: Workspace) -> WorkspaceCase:
    """What is known of one wanted workspace."""
    snapshot = sources.snapshot
    repo = snapshot.real.get(spec.git.repo, spec.git.repo) if spec.git else ""
    row = sources.record.workspaces.get(spec.address.workspace)
    found, obstacle = snapshot.folders.get(spec.path, ABSENT), snapshot.obstacles.get(spec.path)
    return WorkspaceCase(spec=spec, row=row, folder=found, repo=repo, obstacle=obstacle)

"""What most manifests need not be asked: doubtful values, unknown agent types, profiles. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.model.desired import Workspace

from .activity import by_profile
from .doubtful import doubtful, unknown_types
from .links import Declared, Judged
from .merge import Block


def judged(
    workspaces: Sequence[tuple[Workspace, Block]], declared: Declared, types: Collection[str], active: Collection[str]
) -> Judged:
    """Warnings and mistakes about the manifest, and what no `active` profile includes. `types` are the known ones."""
    profiles = by_profile([each for each, _ in workspaces], declared, active)
    return Judged(
        doubts=(*doubtful(workspaces, declared), *profiles.doubts),
        mistakes=(*unknown_types(declared, types), *profiles.mistakes),
        inactive=profiles.inactive,
    )

"""What a snapshot is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.kinds.agent.case import Case, PlanOptions, settled, unbound
from reconciler.model.desired import Desired
from reconciler.model.record import Record

if TYPE_CHECKING:
    from .cache import ObservationCache


class SnapshotRequest(Struct, frozen=True):
    """What the snapshot has to contain."""

    desired: Desired
    record: Record
    profiles: Mapping[str, Profile]
    options: PlanOptions
    everyone: bool = False
    """Whether settled and unmanaged agents are looked at closely, too."""
    cache: ObservationCache | None = None
    """For repeated looks. With a cache, only what CLIs report and store is looked up, no screens, and nothing that
    only a decision needs; what an earlier look found is reused while it has not changed."""


def is_asked(case: Case, request: SnapshotRequest) -> bool:
    """True when the agent has to be looked at closely."""
    return request.everyone or not settled(case, request.options) or unbound(case)

"""What is asked of the world."""

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
    """What is asked of the world. With `everyone`, agents are looked at although nothing is to be done.

    With `cache`, it tells of agents only what their CLIs say and store: no screen is read, and nothing is looked up
    that only a decision needs, nor what an earlier look with the same cache has found and is still so.
    """

    desired: Desired
    record: Record
    profiles: Mapping[str, Profile]
    options: PlanOptions
    everyone: bool = False
    cache: ObservationCache | None = None


def is_asked(case: Case, request: SnapshotRequest) -> bool:
    """Whether an agent is looked at closely."""
    return request.everyone or not settled(case, request.options) or unbound(case)

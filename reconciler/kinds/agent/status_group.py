"""The group of an agent in `reconciler status`: whether it needs you, works, rests, or is in trouble."""

from __future__ import annotations

from enum import StrEnum

from reconciler.model.activity import Activity
from reconciler.model.desired import RunState
from reconciler.model.record import SessionRow, Status

from .case import Case
from .rows import AUTO


class StatusGroup(StrEnum):
    """The groups, in the order in which they are shown."""

    NEEDS_YOU = "needs_you"  # it waits for an answer
    WORKING = "working"
    IDLE = "idle"
    RUNNING = "running"  # it runs, and nothing shows what it does
    STOPPED = "stopped"  # as it should be, or not started yet
    TROUBLE = "trouble"  # it is not as it should be, or that cannot be checked


_BY_ACTIVITY = {
    Activity.WAITING: StatusGroup.NEEDS_YOU,
    Activity.DIALOG: StatusGroup.NEEDS_YOU,
    Activity.BUSY: StatusGroup.WORKING,
    Activity.IDLE: StatusGroup.IDLE,
}


def group_of(live: str, activity: Activity, *, lost: bool) -> StatusGroup:
    """The group of an agent with this `live` state; `lost` says that an agent that is gone should not be."""
    if live == "alive":
        return _BY_ACTIVITY.get(activity, StatusGroup.RUNNING)
    return StatusGroup.STOPPED if live == "gone" and not lost else StatusGroup.TROUBLE


def is_lost(case: Case) -> bool:
    """Whether an agent whose session is gone was meant to run: no command and no manifest ended it."""
    wanted = case.spec is not None and case.spec.state is RunState.RUNNING
    return case.row is not None and ended_by_itself(case.row, wanted=wanted)


def ended_by_itself(row: SessionRow, *, wanted: bool) -> bool:
    """Whether the row of an agent without a session says that it runs, or that its end was only found."""
    if row.status is Status.RUNNING:
        return True
    return wanted and row.status is Status.TERMINATED and (not row.terminated_at or row.termination_mode == AUTO)

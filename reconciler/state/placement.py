"""Whether a registry is where it was written, was moved with its project, or is a copy of another one."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from reconciler.model.errors import Refused
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.record import Origin

WAY_OUT = (
    "work there; or, if this is to be the project from now on: reconciler registry take-over; "
    "or, to begin a project of its own here: reconciler registry start-afresh"
)


class PlacementState(StrEnum):
    """What is known of a registry's place."""

    HERE = "here"
    MOVED = "moved"
    COPY = "copy"


class Placement(Struct, frozen=True):
    """Where a registry was written, where it is now, and what follows; `why` is a sentence for the user."""

    standing: PlacementState
    recorded: Origin | None
    present: Origin
    why: str = ""

    @property
    def refusal(self) -> Refused:
        """Why nothing is changed in a copy."""
        return Refused(
            "this project folder is a copy", detail=f"{self.why}; its agents belong to the project there", fix=WAY_OUT
        )


def judge_placement(recorded: Origin | None, present: Origin, lineage_at: Callable[[str], Observed[bool]]) -> Placement:
    """Judge a registry by what it says of its place.

    `lineage_at` tells whether a folder has a registry of the same lineage. A registry of an older version says
    nothing, and is where it is.
    """
    if recorded is None or not recorded.folder:
        return Placement(PlacementState.HERE, None, present)
    if recorded.machine and present.machine and recorded.machine != present.machine:
        why = f"its registry was written on another machine, {recorded.host}, in {recorded.folder}"
        return Placement(PlacementState.COPY, recorded, present, why)
    if recorded.folder == present.folder:
        return Placement(PlacementState.HERE, recorded, present)
    if _is_same_folder(recorded, present):
        return Placement(PlacementState.MOVED, recorded, present)
    return _by_what_is_there(recorded, present, lineage_at)


def _is_same_folder(recorded: Origin, present: Origin) -> bool:
    """Renamed, or seen through a bind mount: a copy has another inode."""
    return present.inode != 0 and (recorded.device, recorded.inode) == (present.device, present.inode)


def _by_what_is_there(recorded: Origin, present: Origin, lineage_at: Callable[[str], Observed[bool]]) -> Placement:
    match lineage_at(recorded.folder):
        case Present(True):
            return Placement(PlacementState.COPY, recorded, present, f"its registry was written in {recorded.folder}")
        case Unknown(reason):
            why = (
                f"its registry was written in {recorded.folder}, and nothing tells whether it is there still: {reason}"
            )
            return Placement(PlacementState.COPY, recorded, present, why)
        case _:
            return Placement(PlacementState.MOVED, recorded, present)

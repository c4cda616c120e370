"""Decide whether a registry is where it was written, was moved with its project, or is a copy."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from reconciler.model.errors import Refused
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.record import Origin

WAY_OUT = (
    "work in that folder; or, to make this folder the project: reconciler registry take-over; "
    "or, to begin a separate project here: reconciler registry start-afresh"
)


_OF_ANOTHER_MACHINE = (
    "to use it on this machine: reconciler adopt-registry --here; "
    "or, to begin without its agents: reconciler registry start-afresh"
)


class PlacementState(StrEnum):
    """How the place of a registry compares with its recorded place."""

    HERE = "here"
    MOVED = "moved"
    COPY = "copy"


class Placement(Struct, frozen=True):
    """Where a registry was written and where it is now."""

    state: PlacementState
    recorded: Origin | None
    present: Origin
    why: str = ""
    """Why it counts as a copy, for the user; else empty."""

    from_another_machine: bool = False

    @property
    def refusal(self) -> Refused:
        """The error for a command that would change something in a copy."""
        if self.from_another_machine:
            return Refused(
                "this registry was copied from another machine",
                detail=f"{self.why}; its agents belong to the project there",
                fix=_OF_ANOTHER_MACHINE,
            )
        return Refused(
            "this project folder is a copy", detail=f"{self.why}; its agents belong to the project there", fix=WAY_OUT
        )


def judge_placement(recorded: Origin | None, present: Origin, lineage_at: Callable[[str], Observed[bool]]) -> Placement:
    """Compare the recorded place of a registry with its present one.

    `lineage_at` returns whether a folder has a registry with the same lineage. A registry of an older version records
    no place, so it counts as not moved.
    """
    if recorded is None or not recorded.folder:
        return Placement(PlacementState.HERE, None, present)
    if _is_of_another_machine(recorded, present):
        why = f"its registry was written on another machine, {recorded.host}, in {recorded.folder}"
        return Placement(PlacementState.COPY, recorded, present, why, from_another_machine=True)
    if recorded.folder == present.folder:
        return Placement(PlacementState.HERE, recorded, present)
    if _is_same_folder(recorded, present):
        return Placement(PlacementState.MOVED, recorded, present)
    return _by_what_is_there(recorded, present, lineage_at)


def _is_of_another_machine(recorded: Origin, present: Origin) -> bool:
    """Whether the registry came from another machine, as far as can be told; a machine may have no id.

    Containers and cloned machines may share an id. There, both the name and the folder's inode must differ: a machine
    that was renamed keeps its folders, and a backup is restored under the same name.
    """
    if not recorded.machine or not present.machine:
        return False
    if recorded.machine != present.machine:
        return True
    renamed = bool(recorded.host) and recorded.host != present.host
    return renamed and 0 not in {recorded.inode, present.inode} and recorded.inode != present.inode


def _is_same_folder(recorded: Origin, present: Origin) -> bool:
    """Whether the folder is the same, renamed or in a bind mount. A copy has another inode."""
    return present.inode != 0 and (recorded.device, recorded.inode) == (present.device, present.inode)


def _by_what_is_there(recorded: Origin, present: Origin, lineage_at: Callable[[str], Observed[bool]]) -> Placement:
    match lineage_at(recorded.folder):
        case Present(True):
            return Placement(PlacementState.COPY, recorded, present, f"its registry was written in {recorded.folder}")
        case Unknown(reason):
            why = f"its registry was written in {recorded.folder}, which cannot be checked: {reason}"
            return Placement(PlacementState.COPY, recorded, present, why)
        case _:
            return Placement(PlacementState.MOVED, recorded, present)

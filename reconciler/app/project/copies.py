"""Find out whether a project folder is a copy of another one; commands that change something refuse to run in one."""

from __future__ import annotations

from msgspec import Struct, to_builtins

from reconciler.app.project.project import Project
from reconciler.model.errors import UsageError
from reconciler.model.record import Record
from reconciler.state.placement import Placement, PlacementState
from reconciler.state.registry import StoredRegistry, placement, read


class PlacedRegistry(Struct, frozen=True):
    """A registry, and whether its folder is the original place, a new one or a copy."""

    stored: StoredRegistry
    place: Placement

    @property
    def is_copy(self) -> bool:
        """Whether another folder is the project."""
        return self.place.state is PlacementState.COPY


def refuse_copy(at: Project) -> str:
    """Check that the project is not a copy. Returns a note if it was moved, else an empty text.

    Raises:
        Refused: It is a copy.
    """
    place = placement(at.registry, read(at.registry).record)
    if place is None or place.recorded is None or place.state is PlacementState.HERE:
        return ""
    if place.state is PlacementState.COPY:
        raise place.refusal
    return f"the project was moved here from {place.recorded.folder}"


def locate_registry(at: Project) -> PlacedRegistry:
    """Compare the registry's present folder with the one it was written in. Raises UsageError if there is none."""
    stored = read(at.registry)
    place = placement(at.registry, stored.record)
    if place is None or stored.record == Record():
        raise UsageError(f"there is no registry at {at.registry_path}", fix="`reconciler apply` writes one")
    return PlacedRegistry(stored, place)


def standing_document(at: Project, found: PlacedRegistry) -> dict[str, object]:
    """The document of `registry show --json`."""
    return {
        "path": at.registry_path,
        "lineage": found.stored.record.lineage or None,
        "serial": found.stored.record.serial,
        "standing": found.place.state.value,
        "origin": to_builtins(found.place.recorded) if found.place.recorded else None,
    }

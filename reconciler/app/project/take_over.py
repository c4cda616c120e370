"""Make a copied folder the project itself, or start a new project in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from reconciler.app.project.copies import PlacedRegistry, locate_registry
from reconciler.app.project.noted import note_settled
from reconciler.app.project.places import registry_cache
from reconciler.app.project.project import Project
from reconciler.kinds.agent.notes import LEFT_BEHIND, note_fields
from reconciler.model.desired import Socket
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.moment import for_file_name, to_second
from reconciler.model.observed import ABSENT, Unknown
from reconciler.model.record import Json, Record, RowEdit, Section, SessionRow, Status
from reconciler.observe.recorded_processes import agent_process, server_process
from reconciler.ports.aside import put_aside
from reconciler.state.lock import Lock, hold
from reconciler.state.placement import Placement
from reconciler.state.registry import Registry, completion_copy, read, resettle

Agree: TypeAlias = Callable[[Sequence[str]], bool]


def take_over(at: Project, agree: Agree) -> Diagnostic | None:
    """Make this folder the project, with its agents and conversations; the original folder becomes the copy.

    `agree` gets sentences about what will be done, and confirms. Returns a warning if the project cannot be noted.

    Raises:
        Refused: It is already the project.
        LockHeld: Another command changes this or the original project.
        ReconcilerError: `agree` declined.
    """
    with hold(at.lock, "take-over"):
        found = locate_registry(at)
        lost = tuple(_out_of_reach(at, found.stored.record))
        if not found.is_copy and not lost:
            raise Refused("this folder is already the project", fix="reconciler plan")
        expect_agreement([*_taking(found), *(f"{row.session} counts as ended." for row in lost)], agree)
        if found.is_copy:
            _hand_over(at, found.place, found.stored.record.lineage)
        resettle(at.registry, found.place.present, [_ended(row, at) for row in lost])
        record = found.stored.record
        return note_settled(at, record, record.lineage)


def start_afresh(at: Project, agree: Agree) -> None:
    """Move the other project's registry and history out of the way, so that the copy becomes a new project.

    `agree` is as for `take_over`.

    Raises:
        Refused: It is not a copy.
        ReconcilerError: `agree` declined.
    """
    with hold(at.lock, "start-afresh"):
        found = locate_registry(at)
        if not found.is_copy:
            raise Refused("this folder is not a copy of a project", fix="to end its agents: reconciler destroy")
        aside = os.path.join(at.kept, f"before-{for_file_name(at.now())}")
        expect_agreement([_why(found), f"Its registry and history are moved to {aside}."], agree)
        _put_aside(at, aside)


def expect_agreement(lines: Sequence[str], agree: Agree) -> None:
    """Tell what will be done. Raises ReconcilerError when `agree` declines."""
    if not agree(lines):
        raise ReconcilerError("nothing was done")


# --- taking over ------------------------------------------------------------------------------


def _taking(found: PlacedRegistry) -> Iterator[str]:
    place = found.place
    if not found.is_copy or place.recorded is None:
        return
    yield _why(found)
    yield "Its agents and conversations become those of this folder, which is the project from then on."
    if place.recorded.machine != place.present.machine:
        yield f"End its agents on {place.recorded.host} first: a conversation must not run in two places."


def _why(found: PlacedRegistry) -> str:
    why = found.place.why
    return f"{why[:1].upper()}{why[1:]}."


def _hand_over(at: Project, place: Placement, lineage: str) -> None:
    """Write into the original registry that the project is now here."""
    if place.recorded is None or place.recorded.machine != place.present.machine:
        return
    folder = place.recorded.folder
    path = os.path.join(folder, os.path.basename(at.registry_path))
    there = Registry(path, registry_cache(path), at.files, at.registry.origin_of)
    with hold(Lock(folder, at.processes, at.clock), "take-over"):
        if read(there).record.lineage == lineage:
            resettle(there, place.present, ())


def _out_of_reach(at: Project, record: Record) -> Iterator[SessionRow]:
    """Agents that are recorded as running in a place that cannot be looked at from here."""
    world = at.world(Socket())
    for row in record.sessions.values():
        server = server_process(row.server, world) if row.server and row.status is Status.RUNNING else ABSENT
        agent = agent_process(row, world) if row.status in {Status.RUNNING, Status.TERMINATED} else ABSENT
        if isinstance(server, Unknown) or isinstance(agent, Unknown):
            yield row


def _ended(row: SessionRow, at: Project) -> RowEdit:
    now = to_second(at.now())
    fields: dict[str, Json] = {
        "status": Status.TERMINATED.value,
        "last_visible_status": Status.TERMINATED.value,
        **note_fields(row, LEFT_BEHIND),
        "terminated_at": now,
        "termination_mode": None,
        "updated_at": now,
        "server": None,
        "pane": None,
    }
    return RowEdit(Section.SESSIONS, row.session, fields)


# --- starting afresh --------------------------------------------------------------------------

_OF_THE_OTHER = ("history", "history.jsonl", "confirm.json", "monitor", "web", "cache")


def _put_aside(at: Project, folder: str) -> None:
    """Move everything about the other project's agents; the registry goes last, because it marks this as a copy."""
    paths = [os.path.join(at.state, name) for name in _OF_THE_OTHER]
    copies = [f"{at.registry_path}.bak", completion_copy(at.registry)]
    put_aside([*paths, *copies, at.registry_path], folder)

"""Whose the registry is: refuse to work in a copy of a project, take the project over, or begin a new one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from reconciler.app.plan.approval import approved, somebody_is_there
from reconciler.app.project.places import registry_cache
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import copied
from reconciler.kinds.agent.notes import LEFT_BEHIND, noted
from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.moment import for_file_name, to_second
from reconciler.model.observed import ABSENT, Unknown
from reconciler.model.record import Json, Record, RowEdit, Section, SessionRow, Status
from reconciler.ports.aside import put_aside
from reconciler.render import terminal
from reconciler.render.document import diagnostic_document
from reconciler.render.door import tell, tell_json
from reconciler.render.text import diagnostic_text
from reconciler.state.lock import Lock, hold
from reconciler.state.registry import Registry, Stored, placement, read, resettle
from reconciler.state.standing import Placement, Standing


@dataclass(frozen=True, slots=True)
class Manner:
    """How the user agrees."""

    auto_approve: bool = False
    may_ask: bool = True


def insist(at: Project) -> str:
    """See that the project is not a copy; what to tell of one that was moved, empty for nothing.

    Raises:
        Refused: It is a copy of another one.
    """
    place = placement(at.registry, read(at.registry).record)
    if place is None or place.recorded is None or place.standing is Standing.HERE:
        return ""
    if place.standing is Standing.COPY:
        raise place.refusal
    return f"the project was moved here from {place.recorded.folder}"


def flag(at: Project) -> None:
    """Say on standard error that what is told is the other project's, where this one is a copy."""
    for each in copied(at, read(at.registry)):
        terminal.show(diagnostic_text(diagnostic_document(each)), sys.stderr, at.env)


def show(at: Project, *, as_json: bool) -> int:
    """Tell where the registry was written, and what that makes of the folder that it is in."""
    stored = read(at.registry)
    place = _placed(at, stored)
    document = {
        "path": at.registry_path,
        "lineage": stored.record.lineage or None,
        "serial": stored.record.serial,
        "standing": place.standing.value,
        "origin": asdict(place.recorded) if place.recorded else None,
    }
    if as_json:
        tell_json(document)
        return ExitCode.OK
    told = {
        Standing.HERE: "It is the registry of this project.",
        Standing.MOVED: "It was moved here with its project; the next change records that.",
        Standing.COPY: f"It is a copy: {place.why}.",
    }
    tell(f"{at.registry_path}, serial {stored.record.serial}", told[place.standing])
    return ExitCode.OK


def take_over(at: Project, manner: Manner) -> int:
    """Make this folder the project, with its agents and conversations; what it is a copy of is one from then on.

    Raises:
        Refused: It is the project already.
        LockHeld: Something is being changed here, or there.
    """
    with hold(at.lock, "take-over"):
        stored = read(at.registry)
        place, lost = _placed(at, stored), tuple(_out_of_reach(at, stored.record))
        if place.standing is not Standing.COPY and not lost:
            raise Refused("this folder is the project already", fix="reconciler plan")
        _ask([*_taking(place), *(f"{row.session} counts as ended." for row in lost)], manner)
        if place.standing is Standing.COPY:
            _hand_over(at, place, stored.record.lineage)
        resettle(at.registry, place.present, [_ended(row, at) for row in lost])
    tell("This folder is the project now. See what that changes: reconciler plan")
    return ExitCode.OK


def start_afresh(at: Project, manner: Manner) -> int:
    """Put everything aside that a copy says of the other project's agents, so that it begins as a project of its own.

    Raises:
        Refused: It is no copy.
    """
    with hold(at.lock, "start-afresh"):
        place = _placed(at, read(at.registry))
        if place.standing is not Standing.COPY:
            raise Refused("this folder is not a copy of a project", fix="to end its agents: reconciler destroy")
        aside = os.path.join(at.kept, f"before-{for_file_name(at.now())}")
        _ask([f"{place.why[:1].upper()}{place.why[1:]}.", f"What it says is moved to {aside}."], manner)
        _put_aside(at, aside)
    tell("This folder is a new project, without agents or conversations: reconciler plan")
    return ExitCode.OK


def _placed(at: Project, stored: Stored) -> Placement:
    place = placement(at.registry, stored.record)
    if place is None or stored.record == Record():
        raise UsageError(f"there is no registry at {at.registry_path}", fix="`reconciler apply` writes one")
    return place


def _ask(lines: Sequence[str], manner: Manner) -> None:
    tell(*lines)
    if manner.auto_approve:
        return
    if not (manner.may_ask and somebody_is_there()):
        raise UsageError("needs confirmation, but there is no terminal", fix="pass --auto-approve")
    if not approved():
        raise ReconcilerError("nothing was done")


# --- taking over ------------------------------------------------------------------------------


def _taking(place: Placement) -> Iterator[str]:
    if place.standing is not Standing.COPY or place.recorded is None:
        return
    yield f"{place.why[:1].upper()}{place.why[1:]}."
    yield "Its agents and conversations become those of this folder, which is the project from then on."
    if place.recorded.machine != place.present.machine:
        yield f"End its agents on {place.recorded.host} first: a conversation must not run in two places."


def _hand_over(at: Project, place: Placement, lineage: str) -> None:
    """Let the registry that this one was copied from say that the project is here."""
    if place.recorded is None or place.recorded.machine != place.present.machine:
        return
    folder = place.recorded.folder
    path = os.path.join(folder, os.path.basename(at.registry_path))
    there = Registry(path, registry_cache(path), at.files, at.registry.origin_of)
    with hold(Lock(folder, at.processes, at.clock), "take-over"):
        if read(there).record.lineage == lineage:
            resettle(there, place.present, ())


def _out_of_reach(at: Project, record: Record) -> Iterator[SessionRow]:
    """Agents that run by the registry, in a place where nothing tells whether they do."""
    from reconciler.observe.lives import agent_process, server_process

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
        **noted(row, LEFT_BEHIND),
        "terminated_at": now,
        "termination_mode": None,
        "updated_at": now,
        "server": None,
        "pane": None,
    }
    return RowEdit(Section.SESSIONS, row.session, fields)


# --- starting afresh --------------------------------------------------------------------------

_OF_THE_OTHER = ("history", "history.jsonl", "confirm.json", "monitor", "cache")


def _put_aside(at: Project, folder: str) -> None:
    """Everything that leads to the other's agents, the registry last: until it is gone, this is a copy."""
    paths = [os.path.join(at.state, name) for name in _OF_THE_OTHER]
    put_aside([*paths, f"{at.registry_path}.bak", at.registry_path], folder)

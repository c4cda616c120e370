"""Give a registry that was copied from another machine a lineage of its own, and keep its rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.app.project.copies import PlacedRegistry, locate_registry
from reconciler.app.project.manifests import load_manifests, manifest_paths, nothing_declared
from reconciler.app.project.noted import note_settled
from reconciler.app.project.project import Project
from reconciler.app.project.take_over import Agree, expect_agreement
from reconciler.kinds.agent.notes import LEFT_BEHIND, note_fields
from reconciler.kinds.agent.rows import OF_ANOTHER_MACHINE
from reconciler.model.desired import Socket
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import to_second
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.record import MAY_LIVE, Json, Record, RowEdit, Section, SessionRow, Status
from reconciler.model.snapshot import Pane
from reconciler.ports.world import SessionTags, Tmux
from reconciler.state.lock import hold
from reconciler.state.registry import resettle


class _Here(Struct, frozen=True):
    """A live session of the registry's lineage, and its server."""

    pane: Pane
    tmux: Tmux


def adopt_registry(at: Project, agree: Agree) -> Diagnostic | None:
    """Give the registry a new lineage on this machine. Agents that do not run here count as stopped.

    Conversations and history stay. Sessions that do run here get the new lineage, too. `agree` gets sentences about
    what will be done, and confirms. Returns a warning if the project cannot be noted.

    Raises:
        Refused: The registry is a copy of a project on this machine.
        ReconcilerError: `agree` declined, or tmux does not tell what runs here.
    """
    with hold(at.lock, "adopt-registry"):
        found = locate_registry(at)
        if found.is_copy and not found.place.from_another_machine:
            raise found.place.refusal
        record = found.stored.record
        here = _live_here(at, record)
        away = [row for row in record.sessions.values() if row.status in MAY_LIVE and str(row.address) not in here]
        expect_agreement([*_told(found), *(f"{row.session} counts as stopped." for row in away)], agree)
        lineage = uuid.uuid4().hex
        resettle(at.registry, found.place.present, [_stopped(row, at) for row in away], lineage)
        for each in here.values():
            tags = SessionTags(lineage, each.pane.address, each.pane.conversation, at.root)
            each.tmux.tag(each.pane.target, tags)
        return note_settled(at, record, lineage)


def _told(found: PlacedRegistry) -> Iterator[str]:
    if found.is_copy and found.place.recorded:
        yield f"{found.place.why[:1].upper()}{found.place.why[1:]}."
    yield "The registry gets a new lineage: from then on, it belongs to this machine. Conversations stay recorded."


def _live_here(at: Project, record: Record) -> Mapping[str, _Here]:
    """The live sessions here that carry the registry's lineage, by address."""
    found: dict[str, _Here] = {}
    for socket in _sockets(at, record):
        tmux = at.world(socket).tmux
        match tmux.look():
            case Present(state):
                ours = (pane for pane in state.panes if record.lineage and pane.lineage == record.lineage)
                found |= {pane.address: _Here(pane, tmux) for pane in ours}
            case Unknown(reason):
                fix = "correct that, then: reconciler adopt-registry --here"
                raise ReconcilerError("cannot tell which sessions are here", detail=reason, fix=fix)
            case Absent():
                pass
    return found


def _sockets(at: Project, record: Record) -> Sequence[Socket]:
    """The declared tmux server, and all recorded ones."""
    try:
        paths = manifest_paths(at, ())
        desired = load_manifests(at, paths).desired if paths else nothing_declared(at, record)
    except ReconcilerError:  # a mistake in a manifest must not keep the registry from being used
        desired = nothing_declared(at, record)
    recorded = {row.server.path for row in record.sessions.values() if row.server and row.server.path}
    declared = at.world(desired.socket).tmux.socket_path
    return [desired.socket, *(Socket(path=path) for path in sorted(recorded - {declared}))]


def _stopped(row: SessionRow, at: Project) -> RowEdit:
    """The row of an agent that was left on the other machine; the next apply starts it here."""
    fields: dict[str, Json] = {
        "status": Status.STOPPED.value,
        "last_visible_status": Status.STOPPED.value,
        **note_fields(row, LEFT_BEHIND),
        "stopped_reason": OF_ANOTHER_MACHINE,
        "termination_mode": None,
        "updated_at": to_second(at.now()),
        "server": None,
        "pane": None,
    }
    return RowEdit(Section.SESSIONS, row.session, fields)

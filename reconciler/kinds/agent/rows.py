"""The registry rows of an agent, as edits: what is written, and when, in its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.address import Address
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.desired import Agent
from reconciler.model.moment import from_unix, read
from reconciler.model.observed import Observed, Present
from reconciler.model.record import Identity, Json, RowEdit, Section, SessionRow, StartedWith, Status
from reconciler.model.snapshot import Artifact, Pane, Server

from . import notes
from .case import Case, Facts, PlanOptions
from .notes import note_fields
from .spec import as_json, digest

if TYPE_CHECKING:
    from reconciler.model.step import StartSession

AUTO = "auto-detected"
"""How an agent ended whose end was only found, by the words of the registry."""


def planned_row(
    spec: Agent, wanted: StartedWith, conversation: Conversation, row: SessionRow | None, now: str
) -> dict[str, Json]:
    """The row of an agent that is about to start: everything but what only the start can tell.

    It says `terminated` until the start was verified, so a crash in between never leaves a row that
    claims too much. The `row` until now may hold a note of the user's.
    """
    resumed = conversation.mode is ConversationMode.RESUME
    return {
        **_identity_fields(spec),
        "status": Status.TERMINATED.value,
        "last_visible_status": Status.TERMINATED.value,
        **note_fields(row, notes.STARTING),
        f"{spec.address.agent}_session_id_own": conversation.id if resumed else None,
        "resumable": resumed,
        "spec": as_json(wanted),
        "spec_digest": digest(wanted),
        "managed": True,
        **_labels(spec),
        "created_at": now,
        "updated_at": now,
        "terminated_at": None,
        "termination_mode": None,
        "stopped_reason": None,
    }


def reserve_conversation(step: StartSession, conversation: str) -> tuple[RowEdit, ...]:
    """Before the launch: the conversation's id belongs to this agent, and the row is on its way."""
    name, workspace = step.address.agent, step.address.workspace
    identity: dict[str, Json] = {"session_id": conversation or None, "previous": list(step.conversation.previous)}
    renamed = step.session if step.recorded_as else ""
    row = RowEdit(section=Section.SESSIONS, name=step.recorded_as or step.session, fields=step.row, rename_to=renamed)
    return (
        RowEdit(
            section=Section.WORKSPACES, name=workspace, fields={"path": step.cwd, "agent_identities": {name: identity}}
        ),
        row,
    )


def started_row(step: StartSession, pane: Pane, server: Server, started: int) -> RowEdit:
    """After the start was verified; `started` tells the process from a later one with its pid."""
    note = notes.RESUMED if step.conversation.mode is ConversationMode.RESUME else notes.STARTED
    fields = {**_RUNNING, **noted_by_start(step, note), **live_fields(pane, server, started)}
    return RowEdit(section=Section.SESSIONS, name=step.session, fields=fields)


def ended_row(step: StartSession, problem: str, now: str, pane: Pane | None = None, started: int = 0) -> RowEdit:
    """A session that is gone, or not as it should be, although nobody planned it to end that way.

    The `pane` is that of a process which lives although no session shows it: the row must lead to it.
    """
    fields: dict[str, Json] = {
        "status": Status.TERMINATED.value,
        "last_visible_status": Status.TERMINATED.value,
        **noted_by_start(step, notes.start_failed(problem)),
        "terminated_at": now,
        "updated_at": now,
    }
    if pane:
        fields |= {"pane": {**_pane(pane), "started": started}, "server": None}
    return RowEdit(section=Section.SESSIONS, name=step.session, fields=fields)


def noted_by_start(step: StartSession, note: str) -> dict[str, Json]:
    """The field that says `note`, where the start itself took the place of the one that was there."""
    return {"last_visible_note": note} if "last_visible_note" in step.row else {}


_BY_HAND = "user"
_BY_MANIFEST = "manifest", "not declared"  # why an agent rests that no command stopped


def rests_by_hand(row: SessionRow) -> bool:
    """True when a user put the agent to rest, with a command of ours or with another tool, whatever the manifest says.

    Another tool says how or why it ended the agent. Where it says neither, `stopped` and `archived` count in a row that
    it began itself. What was only found to be over is not meant to be over.
    """
    if row.status is Status.RUNNING or not row.managed:
        return False
    if row.termination_mode not in {"", AUTO}:
        return True
    if row.stopped_reason in _BY_MANIFEST or (row.status is Status.TERMINATED and row.termination_mode == AUTO):
        return False
    return bool(row.stopped_reason) or (row.older and row.status is not Status.TERMINATED)


def seconds_between(earlier: str, later: str) -> float | None:
    """Seconds from one recorded time to another; None when one is nothing, or nothing readable."""
    since, until = read(earlier), read(later)
    return (until - since).total_seconds() if since and until else None


def at_rest(case: Case, status: Status, options: PlanOptions) -> tuple[RowEdit, ...]:
    """The agent is stopped or archived from now on; what it said is kept. One without a row gets one, if declared."""
    row = case.row
    if row is None:
        return _rests_unrecorded(case.spec, status, options) if case.spec else ()
    fields = _resting(case.address, case.spec, row, status, options) | _by_hand(case.address, options)
    if row.status is Status.RUNNING or (row.status is Status.TERMINATED and not row.terminated_at):
        fields["terminated_at"] = options.now
    if case.address not in options.rested and not rests_by_hand(row):
        fields["termination_mode"] = None
    if case.spec:
        fields |= {**_labels(case.spec), "managed": True}
    return (RowEdit(section=Section.SESSIONS, name=row.session, fields=fields),)


def _rests_unrecorded(spec: Agent, status: Status, options: PlanOptions) -> tuple[RowEdit, ...]:
    """The rest of an agent that never ran, or whose row was lost: without a row the next apply would start it."""
    fields: dict[str, Json] = {
        **_identity_fields(spec),
        **_resting(spec.address, spec, None, status, options),
        **_by_hand(spec.address, options),
        **_labels(spec),
        "managed": True,
        "created_at": options.now,
    }
    return (RowEdit(section=Section.SESSIONS, name=spec.session, fields=fields),)


def _resting(
    address: Address, spec: Agent | None, row: SessionRow | None, status: Status, options: PlanOptions
) -> dict[str, Json]:
    by_hand = options.reason if address in options.rested else ""
    return {
        "status": status.value,
        "last_visible_status": status.value,
        **note_fields(row, notes.at_rest(status)),
        "stopped_reason": by_hand or _BY_MANIFEST[0 if spec else 1],
        "updated_at": options.now,
    }


def _by_hand(address: Address, options: PlanOptions) -> dict[str, Json]:
    return {"termination_mode": _BY_HAND} if address in options.rested else {}


def forgotten(case: Case, *, purged: bool) -> tuple[RowEdit, ...]:
    """Nothing is recorded of the agent any more but, unless they were `purged`, which conversations it had."""
    row = (RowEdit(Section.SESSIONS, case.row.session, remove=True, purged=purged),) if case.row else ()
    if case.identity == Identity():
        return row
    nobody: dict[str, Json] = {"agent_identities": {case.address.agent: None}}
    return (*row, RowEdit(section=Section.WORKSPACES, name=case.address.workspace, fields=nobody, purged=purged))


def captured(case: Case, facts: Facts) -> tuple[RowEdit, ...]:
    """The conversation that the agent itself says it holds, written down before the agent goes."""
    held = facts.live.conversation
    if case.row is None or not held:
        return ()
    if held != case.identity.session_id:
        return rotate_conversation(case, case.row, held, facts.artifact)
    return (RowEdit(section=Section.SESSIONS, name=case.row.session, fields=owned(case.row, held, facts.artifact)),)


def said_at_exit(address: Address, conversation: str, known: tuple[str, ...]) -> tuple[RowEdit, ...]:
    """What an agent's last words add to what is known: another conversation than the present one."""
    if not conversation or known[:1] == (conversation,):
        return ()
    identity: dict[str, Json] = {"session_id": conversation, "previous": [id_ for id_ in known if id_ != conversation]}
    place: dict[str, Json] = {"agent_identities": {address.agent: identity}}
    return (RowEdit(section=Section.WORKSPACES, name=address.workspace, fields=place),)


def rotate_conversation(
    case: Case, row: SessionRow, conversation: str, artifact: Observed[Artifact] | None
) -> tuple[RowEdit, ...]:
    """The agent has gone on to another conversation; the earlier ones stay listed, newest first."""
    own = RowEdit(section=Section.SESSIONS, name=row.session, fields=owned(row, conversation, artifact))
    if not row.managed:  # a session that nobody declares has no workspace of ours
        return (own,)
    earlier = [id_ for id_ in (case.identity.session_id, *case.identity.previous) if id_ and id_ != conversation]
    identity: dict[str, Json] = {"session_id": conversation, "previous": list(dict.fromkeys(earlier))}
    place: dict[str, Json] = {"agent_identities": {case.address.agent: identity}}
    return (
        RowEdit(section=Section.WORKSPACES, name=case.address.workspace, fields=place),
        own,
    )


def owned(row: SessionRow, conversation: str, artifact: Observed[Artifact] | None) -> dict[str, Json]:
    """What the row says of its conversation: nothing before it exists on disk."""
    return _owned(row.agent, conversation, artifact)


def _owned(agent: str, conversation: str, artifact: Observed[Artifact] | None) -> dict[str, Json]:
    stored = artifact.value if isinstance(artifact, Present) else None
    own = f"{agent}_session_id_own"
    return {own: conversation if stored else None, "resumable": bool(stored and stored.resumable)}


def _labels(spec: Agent) -> dict[str, Json]:
    """What a manifest says of an agent that its process never learns."""
    return {"protect": spec.protect, "depends_on": [str(address) for address in spec.depends_on]}


def labels(spec: Agent, row: SessionRow, now: str) -> tuple[RowEdit, ...]:
    """The row follows the manifest's labels and the session's name."""
    fields: dict[str, Json] = {"role": spec.role, **_labels(spec), "managed": True, "updated_at": now}
    renamed = spec.session if row.session != spec.session else ""
    return (RowEdit(section=Section.SESSIONS, name=row.session, fields=fields, rename_to=renamed),)


def adopted(case: Case, spec: Agent, pane: Pane, facts: Facts, now: str) -> tuple[RowEdit, ...]:
    """A live session becomes this agent's; what it was started with is not known, and its conversation may not be.

    A conversation that is recorded stays so as long as nothing says that it is another one. What an older tool wrote
    down was stored: it counts as resumable, so that no new one begins where its file is missing.
    """
    name, workspace, identity = spec.address.agent, spec.address.workspace, case.identity
    conversation = facts.live.conversation or pane.conversation
    stored = not conversation and identity.session_id and case.row is not None and case.row.older
    fields: dict[str, Json] = {
        **_identity_fields(spec),
        **_RUNNING,
        **note_fields(case.row, notes.IMPORTED),
        **(_owned(name, conversation, facts.artifact) if conversation else {}),
        **({"resumable": True} if stored else {}),
        "pane": _pane(pane),
        "spec": None,
        "spec_digest": None,
        "managed": True,
        **_labels(spec),
        "created_at": now,
        "updated_at": now,
    }
    session = RowEdit(section=Section.SESSIONS, name=spec.session, fields=fields)
    place: dict[str, Json] = {"path": spec.cwd}
    held = conversation or identity.session_id
    if held:
        previous = [id_ for id_ in (identity.session_id, *identity.previous) if id_ and id_ != held]
        place["agent_identities"] = {name: {"session_id": held, "previous": previous}}
    return (RowEdit(section=Section.WORKSPACES, name=workspace, fields=place), session)


def how_it_ended(pane: Pane) -> str:
    """How the process of a dead pane ended, as far as tmux knows."""
    if pane.dead_signal:
        return f"signal {pane.dead_signal}"
    return "unknown status" if pane.dead_status is None else f"status {pane.dead_status}"


def live_fields(pane: Pane, server: Server, started: int = 0) -> dict[str, Json]:
    """Where the agent lives, in the registry's words."""
    since = from_unix(server.started)
    return {
        "pane": {**_pane(pane), "started": started},
        "server": {
            "socket": server.socket,
            "path": server.path,
            "pid": server.pid,
            "started": since,
            "ticks": server.ticks,
            "boot": server.boot,
            "namespace": server.namespace,
        },
    }


def _pane(pane: Pane) -> dict[str, Json]:
    return {"id": pane.pane_id, "pid": pane.pid, "cmd": pane.command, "cwd": pane.cwd}


_RUNNING: dict[str, Json] = {
    "status": Status.RUNNING.value,
    "last_visible_status": Status.RUNNING.value,
    "terminated_at": None,
    "termination_mode": None,
    "stopped_reason": None,
}


def _identity_fields(spec: Agent) -> dict[str, Json]:
    return {"workspace": spec.address.workspace, "agent": spec.address.agent, "type": spec.type, "role": spec.role}

"""The registry rows of an agent, as edits: what is written at each point of its life."""

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
"""The `termination_mode` of an agent whose end was found, not caused, by a tool."""


def planned_row(
    spec: Agent, wanted: StartedWith, conversation: Conversation, row: SessionRow | None, now: str
) -> dict[str, Json]:
    """The fields of an agent that is about to start, without those that are known only after the start.

    The status is `terminated` until the start is verified, so a crash in between leaves no row that says `running`.
    `row` is the present row: a note that a user wrote in it is kept.
    """
    resumed = conversation.mode is ConversationMode.RESUME
    # else a session that was started when its command was killed would count as one without its agent's pane
    former: dict[str, Json] = {"pane": None, "server": None} if row and row.pane else {}
    return {
        **_identity_fields(spec),
        **former,
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
    """The edits before a launch: the conversation's id is reserved for this agent, and its planned row is written."""
    name, workspace = step.address.agent, step.address.workspace
    identity: dict[str, Json] = {"session_id": conversation or None, "previous": list(step.conversation.previous)}
    renamed = step.session if step.recorded_as else ""
    row = RowEdit(section=Section.SESSIONS, name=step.recorded_as or step.session, fields=step.row, rename_to=renamed)
    return (
        RowEdit(
            section=Section.WORKSPACES,
            name=workspace,
            fields={"path": step.workspace_path or step.cwd, "agent_identities": {name: identity}},
        ),
        row,
    )


def started_row(step: StartSession, pane: Pane, server: Server, started: int) -> RowEdit:
    """The edit after a verified start. `started` is the start of the process, since a later one may get its pid."""
    note = notes.RESUMED if step.conversation.mode is ConversationMode.RESUME else notes.STARTED
    fields = {**_RUNNING, **noted_by_start(step, note), **live_fields(pane, server, started)}
    return RowEdit(section=Section.SESSIONS, name=step.session, fields=fields)


def ended_row(step: StartSession, problem: str, now: str, pane: Pane | None = None, started: int = 0) -> RowEdit:
    """The edit after a start or an end that failed.

    Pass `pane` and `started` for a process that still runs without a session, so that the row leads to it.
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
    """The field that sets `note`, if the start wrote the note before it; empty when a user's note was kept."""
    return {"last_visible_note": note} if "last_visible_note" in step.row else {}


_BY_HAND = "user"
OF_ANOTHER_MACHINE = "left on another machine"
_BY_MANIFEST = "manifest", "not declared", OF_ANOTHER_MACHINE  # a `stopped_reason` that no user gave


def rests_by_hand(row: SessionRow) -> bool:
    """True when a user stopped or archived the agent, with a command of ours or with another tool.

    The agent then rests even if its manifest says `running`. Another tool writes how or why it ended the agent. Where
    it writes neither, `stopped` and `archived` count in a row that it created. An end that was only found does not
    count: nobody meant it.
    """
    if row.status is Status.RUNNING or not row.managed:
        return False
    if row.termination_mode not in {"", AUTO}:
        return True
    if row.stopped_reason in _BY_MANIFEST or (row.status is Status.TERMINATED and row.termination_mode == AUTO):
        return False
    return bool(row.stopped_reason) or (row.older and row.status is not Status.TERMINATED)


def seconds_between(earlier: str, later: str) -> float | None:
    """Seconds from one recorded time to another; None when one of them is empty or not a time."""
    since, until = read(earlier), read(later)
    return (until - since).total_seconds() if since and until else None


def at_rest(case: Case, status: Status, options: PlanOptions) -> tuple[RowEdit, ...]:
    """The edits that record the agent as stopped or archived. A declared agent without a row gets one."""
    row = case.row
    if row is None:
        return _rests_unrecorded(case.spec, status, options) if case.spec else ()
    fields = _resting(case.address, case.spec, row, status, options) | _by_hand(case.address, options)
    if row.status is Status.RUNNING or (row.status is Status.TERMINATED and not row.terminated_at):
        fields["terminated_at"] = options.now
    if case.address not in options.stopped_by_hand and not rests_by_hand(row):
        fields["termination_mode"] = None
    if case.spec:
        fields |= {**_labels(case.spec), "managed": True}
    return (RowEdit(section=Section.SESSIONS, name=row.session, fields=fields),)


def _rests_unrecorded(spec: Agent, status: Status, options: PlanOptions) -> tuple[RowEdit, ...]:
    """The row of a stopped agent that never ran, or lost its row: without one, the next apply would start it."""
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
    reason = options.reason if address in options.stopped_by_hand else ""
    return {
        "status": status.value,
        "last_visible_status": status.value,
        **note_fields(row, notes.at_rest(status)),
        "stopped_reason": reason or _BY_MANIFEST[0 if spec else 1],
        "updated_at": options.now,
    }


def _by_hand(address: Address, options: PlanOptions) -> dict[str, Json]:
    return {"termination_mode": _BY_HAND} if address in options.stopped_by_hand else {}


def forgotten(case: Case, *, purged: bool) -> tuple[RowEdit, ...]:
    """The edits that remove the agent from the registry. Unless `purged`, the ids of its conversations stay."""
    row = (RowEdit(Section.SESSIONS, case.row.session, remove=True, purged=purged),) if case.row else ()
    if case.identity == Identity():
        return row
    removal: dict[str, Json] = {"agent_identities": {case.address.agent: None}}
    return (*row, RowEdit(section=Section.WORKSPACES, name=case.address.workspace, fields=removal, purged=purged))


def captured(case: Case, facts: Facts) -> tuple[RowEdit, ...]:
    """The edits that record the conversation that the agent itself reports, before the agent is ended."""
    held = facts.live.conversation
    if case.row is None or not held:
        return ()
    if held != case.identity.session_id:
        return rotate_conversation(case, case.row, held, facts.artifact)
    return (RowEdit(section=Section.SESSIONS, name=case.row.session, fields=owned(case.row, held, facts.artifact)),)


def conversation_at_exit(address: Address, conversation: str, known: tuple[str, ...]) -> tuple[RowEdit, ...]:
    """The edit for the conversation that the CLI named when it exited; none when the registry has that one.

    `known` are the recorded ids, the present one first.
    """
    if not conversation or known[:1] == (conversation,):
        return ()
    identity: dict[str, Json] = {"session_id": conversation, "previous": [id_ for id_ in known if id_ != conversation]}
    place: dict[str, Json] = {"agent_identities": {address.agent: identity}}
    return (RowEdit(section=Section.WORKSPACES, name=address.workspace, fields=place),)


def rotate_conversation(
    case: Case, row: SessionRow, conversation: str, artifact: Observed[Artifact] | None
) -> tuple[RowEdit, ...]:
    """The edits for an agent that has changed to another conversation. Earlier ids stay listed, newest first."""
    own = RowEdit(section=Section.SESSIONS, name=row.session, fields=owned(row, conversation, artifact))
    if not row.managed:  # a session that no manifest ever declared has no workspace row of ours
        return (own,)
    earlier = [id_ for id_ in (case.identity.session_id, *case.identity.previous) if id_ and id_ != conversation]
    identity: dict[str, Json] = {"session_id": conversation, "previous": list(dict.fromkeys(earlier))}
    place: dict[str, Json] = {"agent_identities": {case.address.agent: identity}}
    return (
        RowEdit(section=Section.WORKSPACES, name=case.address.workspace, fields=place),
        own,
    )


def owned(row: SessionRow, conversation: str, artifact: Observed[Artifact] | None) -> dict[str, Json]:
    """The row's fields about its conversation; the id stays empty until something is stored under it."""
    return _owned(row.agent, conversation, artifact)


def _owned(agent: str, conversation: str, artifact: Observed[Artifact] | None) -> dict[str, Json]:
    stored = artifact.value if isinstance(artifact, Present) else None
    own = f"{agent}_session_id_own"
    return {own: conversation if stored else None, "resumable": bool(stored and stored.resumable)}


def _labels(spec: Agent) -> dict[str, Json]:
    """The fields that only the registry and the plan use: the agent's process does not depend on them."""
    return {"protect": spec.protect, "depends_on": [str(address) for address in spec.depends_on]}


def labels_at_rest(spec: Agent, row: SessionRow, now: str) -> tuple[RowEdit, ...]:
    """The edit that copies the manifest's labels to the row of an agent that does not run."""
    return (RowEdit(section=Section.SESSIONS, name=row.session, fields={**_labels(spec), "updated_at": now}),)


def labels(spec: Agent, row: SessionRow, now: str) -> tuple[RowEdit, ...]:
    """The edit that copies the manifest's labels and the declared session name to the row."""
    fields: dict[str, Json] = {"role": spec.role, **_labels(spec), "managed": True, "updated_at": now}
    renamed = spec.session if row.session != spec.session else ""
    return (RowEdit(section=Section.SESSIONS, name=row.session, fields=fields, rename_to=renamed),)


def adopted(case: Case, spec: Agent, pane: Pane, facts: Facts, now: str) -> tuple[RowEdit, ...]:
    """The edits that make a live session this agent's. What it was started with is not known.

    Its conversation may not be known, either: then the recorded one stays. A conversation that an older tool recorded
    counts as resumable, so that no new one begins while its file is missing.
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
    place: dict[str, Json] = {"path": spec.workspace_folder}
    held = conversation or identity.session_id
    if held:
        previous = [id_ for id_ in (identity.session_id, *identity.previous) if id_ and id_ != held]
        place["agent_identities"] = {name: {"session_id": held, "previous": previous}}
    return (RowEdit(section=Section.WORKSPACES, name=workspace, fields=place), session)


def how_it_ended(pane: Pane) -> str:
    """How the process of a dead pane ended: `signal ...`, `status ...`, or `unknown status` if tmux does not know."""
    if pane.dead_signal:
        return f"signal {pane.dead_signal}"
    return "unknown status" if pane.dead_status is None else f"status {pane.dead_status}"


def live_fields(pane: Pane, server: Server, started: int = 0) -> dict[str, Json]:
    """The row's fields about the pane, the process and the tmux server of a running agent."""
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

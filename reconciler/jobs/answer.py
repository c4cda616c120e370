"""Answer a permission dialog that the user has seen, once, and record who answered what.

A request is an event; a dialog is text on a screen. reconciler connects the two when it shows the dialog to the user
under the id of the request. From then on, an answer to the request is valid only for this text.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.agents.permission import Answer, Dialog, PermissionPrompt, approves_once, dialog_on
from reconciler.model.activity import Activity
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import Job
from reconciler.model.moment import to_millisecond
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.model.shaped import shaped
from reconciler.ports import lockfile
from reconciler.ports.world import Typed, World

from .agent_state import AgentState, Recipient, describe_dialog, observe_agent
from .audit import append_events, audit_folder
from .record import Records, home_of, read, update

_SECONDS = 5.0  # for the dialog to go away
_PAUSE = 0.1


class PermissionRequest(NamedTuple):
    """A request of a job, by their ids."""

    job_id: str
    id: str


class ShownDialog(Struct, frozen=True):
    """The dialog that the user was shown for a request."""

    request: str
    digest: str
    """SHA-256 of the dialog's lines, without frames, blinking and the selection."""
    question: str
    lines: tuple[str, ...]
    at: str
    """UTC, ISO 8601."""


class _PendingAnswer(Struct, frozen=True):
    """A request to answer: its job, its agent, how the CLI asks, and the dialog on the screen now."""

    job: Job
    request: str
    to: Recipient
    prompt: PermissionPrompt
    dialog: Dialog


def record_dialog(records: Records, job: Job, to: Recipient, world: World) -> ShownDialog | None:
    """Return the dialog behind the job's pending request, to show it to the user. The first call stores it.

    None when no request is pending, or when the screen shows no known dialog.

    Raises:
        Unreachable: tmux cannot be queried.
        ReconcilerError: The dialog cannot be stored.
    """
    if job.permission is None:
        return None
    kept = _stored_dialog(records, job.id, job.permission.request)
    dialog = None if kept else dialog_of(to, observe_agent(to, world))
    return _store_dialog(records, job, dialog) if dialog else kept


def answer(records: Records, request: PermissionRequest, choice: Answer, to: Recipient, world: World) -> ShownDialog:
    """Press the key that answers the request, and return the dialog that was answered.

    The audit gets an entry before the key is pressed and one after. Each request is answered at most once, even if
    the key has no effect.

    Raises:
        UnknownJob: The job has no record.
        Refused: The request is not the pending one, was answered before, or was never shown to the user; the agent
            shows a different dialog, or none that is known; or the key would approve more than this one request.
        Unreachable: tmux cannot be queried.
        ReconcilerError: The dialog did not close, or the audit cannot be written.
    """
    pending = _pending_answer(read(records, request.job_id), request.id, to, world)
    shown = _expect_same_dialog(records, pending)
    key = _key(pending, choice)
    _reserve(records, pending, choice)
    entry = {"request": pending.request, "answer": choice, "dialog": shown.digest, "question": shown.question}
    _audit(records, pending.job, {"what": "answering", **entry, "by": _who_answers()})
    outcome = _press_and_wait(pending, key, world)
    _audit(records, pending.job, {"what": "answered" if not outcome else "answer_failed", **entry, "why": outcome})
    if outcome:
        raise ReconcilerError(f"the answer may not have arrived: {outcome}", fix=_by_hand(pending.job))
    update(records, pending.job.id, lambda job: _without(job, pending.request))
    return shown


def _without(job: Job, request: str) -> Job | None:
    is_pending = job.permission and job.permission.request == request
    return replace(job, permission=None) if is_pending else None


# --- what is asked ----------------------------------------------------------------------------


def _pending_answer(job: Job, request: str, to: Recipient, world: World) -> _PendingAnswer:
    request_on_record = job.permission
    if request_on_record is None:
        raise Refused(
            f"job {job.id} waits for no permission", fix=f"see what it does: reconciler job status --job {job.id}"
        )
    if request_on_record.request != request:
        raise Refused(
            f"job {job.id} does not wait for the request {request}",
            detail=f"it waits for {request_on_record.request}",
            fix=f"see what it asks: reconciler job answer --job {job.id}",
        )
    state = observe_agent(to, world)
    dialog = dialog_of(to, state)
    if to.profile.display.permission is None or dialog is None:
        asks = describe_dialog(state) if state.is_asking else "its screen does not ask for a permission"
        raise Refused("the agent shows no dialog that reconciler can answer", detail=asks, fix=_by_hand(job))
    return _PendingAnswer(job, request, replace(to, pane=state.pane or to.pane), to.profile.display.permission, dialog)


def dialog_of(to: Recipient, state: AgentState) -> Dialog | None:
    """The permission dialog on the screen; None if the agent is not waiting.

    An answered dialog may still be on the screen, so the text alone does not count.
    """
    if to.profile.display.permission is None or state.activity is not Activity.WAITING:
        return None
    return dialog_on(to.profile.display.permission, state.lines)


def _expect_same_dialog(records: Records, pending: _PendingAnswer) -> ShownDialog:
    """Return the dialog that the user was shown. Raises Refused when it is not the one on the screen."""
    kept = _stored_dialog(records, pending.job.id, pending.request)
    now = pending.job.without_token("\n".join(pending.dialog.lines))
    if kept is None:
        _store_dialog(records, pending.job, pending.dialog)
        raise Refused(
            "you have not seen yet what this request asks",
            detail=now,
            fix="read it, then run the same command again",
        )
    if kept.digest != pending.dialog.digest:
        raise Refused("the agent now asks something different from what you saw", detail=now, fix=_by_hand(pending.job))
    return kept


def _key(pending: _PendingAnswer, choice: Answer) -> str:
    """The key that gives the answer. Raises Refused when it might approve more than this one request."""
    if choice is Answer.DENY:
        return pending.prompt.deny
    if not approves_once(pending.prompt, pending.dialog):
        raise Refused(
            "cannot tell whether this approves only this one request",
            detail=pending.job.without_token("\n".join(pending.dialog.lines)),
            fix=_by_hand(pending.job),
        )
    return pending.prompt.approve


def _by_hand(job: Job) -> str:
    return f"answer in the agent's session: reconciler attach {job.agent_session.removeprefix('tmux:')}"


# --- the key ----------------------------------------------------------------------------------


def _press_and_wait(pending: _PendingAnswer, key: str, world: World) -> str:
    """Press the key and wait for the dialog to close. Returns what went wrong; empty when nothing did."""
    if world.tmux.press(pending.to.pane.target, [key]) is not Typed.DONE:
        return "its agent is gone"
    deadline = world.clock.monotonic() + _SECONDS
    while _is_still_open(pending, state := observe_agent(pending.to, world)):
        if world.clock.monotonic() >= deadline:
            return f"{key} was pressed, but {describe_dialog(state)}"
        world.clock.wait(_PAUSE)
    return ""


def _is_still_open(pending: _PendingAnswer, state: AgentState) -> bool:
    """Whether the agent still asks, and nothing shows that it asks a different question."""
    dialog = dialog_of(pending.to, state)
    asks = state.activity in {Activity.WAITING, Activity.DIALOG}
    return asks and (dialog is None or dialog.digest == pending.dialog.digest)


# --- what is kept -----------------------------------------------------------------------------


def _store_dialog(records: Records, job: Job, dialog: Dialog) -> ShownDialog:
    """Store the dialog and return what is stored: when two processes do this at once, the first one wins."""
    request = job.permission.request if job.permission else ""
    lines = tuple(job.without_token("\n".join(dialog.lines)).split("\n"))
    new = ShownDialog(
        request, dialog.digest, job.without_token(dialog.question), lines, to_millisecond(records.clock.now())
    )
    path = _path(records, job.id, request, "shown")
    records.files.make_folder(os.path.dirname(path), 0o700)
    with lockfile.one_at_a_time(os.path.dirname(path)):
        lockfile.create(path, json.dumps(to_builtins(new)).encode())
    return _stored_dialog(records, job.id, request) or new


def _stored_dialog(records: Records, job_id: str, request: str) -> ShownDialog | None:
    path = _path(records, job_id, request, "shown")
    match records.files.read(path):
        case Present(data):
            try:
                return shaped(ShownDialog, read_json(data))
            except ValueError as error:
                raise ReconcilerError("the stored dialog of the request is damaged", fix=f"delete {path}") from error
        case Unknown(reason):
            raise ReconcilerError(f"the stored dialog of the request cannot be read: {reason}")
        case Absent():
            return None


def _reserve(records: Records, pending: _PendingAnswer, choice: Answer) -> None:
    """Reserve the request for this answer. The file is made only once, so an answer by a second process is refused."""
    by = {"answer": choice, "at": to_millisecond(records.clock.now()), **_who_answers()}
    path = _path(records, pending.job.id, pending.request, "answer")
    with lockfile.one_at_a_time(os.path.dirname(path)):
        made = lockfile.create(path, json.dumps(by).encode())
    if not made:
        raise Refused(f"the request {pending.request} has been answered before", detail=path, fix=_by_hand(pending.job))


def _path(records: Records, job_id: str, request: str, what: str) -> str:
    """The path of a file about a request. It needs no escaping: ids of events are letters, digits, `_` and `-`."""
    return os.path.join(home_of(records, job_id), "requests", f"{request}.{what}")


def _audit(records: Records, job: Job, entry: Mapping[str, Json]) -> None:
    at = to_millisecond(records.clock.now())
    append_events(audit_folder(job, records.env), [{"at": at, "status": job.status, **entry}])


def _who_answers() -> dict[str, Json]:
    """The user, host, process and terminal that give the answer, for the audit."""
    tty = next((os.ttyname(each) for each in (0, 1, 2) if os.isatty(each)), "")
    return {"user": _user(), "host": lockfile.current_namespace().host, "pid": os.getpid(), "tty": tty}


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())

"""Answer the very permission dialog that somebody was shown, once, and keep who answered what.

A request is an event, a dialog is a screen: what ties the two is that the dialog was shown to somebody
under the name of the request. From then on this text, and no other, is what the request can be answered for.
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

from .agent_state import AgentState, Recipient, observe_agent, question
from .audit import append_events, audit_folder
from .record import Records, home_of, read, update

_SECONDS = 5.0  # for the dialog to go away
_PAUSE = 0.1


class PermissionRequest(NamedTuple):
    """A request of a job, by their ids."""

    job_id: str
    id: str


class ShownDialog(Struct, frozen=True):
    """The dialog that was shown to somebody under the name of a request. `at` is UTC, ISO 8601.

    `digest` is the SHA-256 of its `lines`, in which frames, blinking and the selection do not count.
    """

    request: str
    digest: str
    question: str
    lines: tuple[str, ...]
    at: str


class _Asking(Struct, frozen=True):
    """A request that is to be answered: its agent, how that asks, and what it asks now."""

    job: Job
    request: str
    to: Recipient
    prompt: PermissionPrompt
    dialog: Dialog


def record_dialog(records: Records, job: Job, to: Recipient, world: World) -> ShownDialog | None:
    """The dialog behind the request that the job waits with, for somebody to see; it is kept at the first time.

    None when it waits for nothing, or when no dialog that we know is on its screen.

    Raises:
        Unreachable: tmux could not be asked.
        ReconcilerError: It cannot be kept.
    """
    if job.permission is None:
        return None
    kept = _kept(records, job.id, job.permission.request)
    dialog = None if kept else dialog_of(to, observe_agent(to, world))
    return _keep(records, job, dialog) if dialog else kept


def answer(records: Records, request: PermissionRequest, choice: Answer, to: Recipient, world: World) -> ShownDialog:
    """Press the key that answers the request, and tell which dialog that was.

    The audit has it before the key is pressed and after it. A request is answered once, whatever becomes of it.

    Raises:
        UnknownJob: There is no such record.
        Refused: It is not what the job waits with, was answered before, or was never shown to anybody; its agent
            asks something else now, or nothing that we know; or the key would allow more than this once.
        Unreachable: tmux could not be asked.
        ReconcilerError: The dialog did not go away, or the audit cannot be written.
    """
    asking = _asked(read(records, request.job_id), request.id, to, world)
    sighting = _same(records, asking)
    key = _key(asking, choice)
    _claim(records, asking, choice)
    entry = {"request": asking.request, "answer": choice, "dialog": sighting.digest, "question": sighting.question}
    _audit(records, asking.job, {"what": "answering", **entry, "by": _whoever()})
    outcome = _pressed(asking, key, world)
    _audit(records, asking.job, {"what": "answered" if not outcome else "answer_failed", **entry, "why": outcome})
    if outcome:
        raise ReconcilerError(f"the answer may not have arrived: {outcome}", fix=_by_hand(asking.job))
    update(records, asking.job.id, lambda job: _without(job, asking.request))
    return sighting


def _without(job: Job, request: str) -> Job | None:
    is_pending = job.permission and job.permission.request == request
    return replace(job, permission=None) if is_pending else None


# --- what is asked ----------------------------------------------------------------------------


def _asked(job: Job, request: str, to: Recipient, world: World) -> _Asking:
    pending = job.permission
    if pending is None:
        raise Refused(
            f"job {job.id} waits for no permission", fix=f"see what it does: reconciler job status --job {job.id}"
        )
    if pending.request != request:
        raise Refused(
            f"job {job.id} does not wait with the request {request}",
            detail=f"it waits with {pending.request}",
            fix=f"see what it asks: reconciler job answer --job {job.id}",
        )
    seen = observe_agent(to, world)
    dialog = dialog_of(to, seen)
    if to.profile.display.permission is None or dialog is None:
        asks = question(seen) if seen.is_asking else "its screen asks for no permission"
        raise Refused("there is no dialog that could be answered for you", detail=asks, fix=_by_hand(job))
    return _Asking(job, request, replace(to, pane=seen.pane or to.pane), to.profile.display.permission, dialog)


def dialog_of(to: Recipient, seen: AgentState) -> Dialog | None:
    """What it asks, when it asks for a permission: one that was answered may still be on the screen."""
    if to.profile.display.permission is None or seen.activity is not Activity.WAITING:
        return None
    return dialog_on(to.profile.display.permission, seen.lines)


def _same(records: Records, asking: _Asking) -> ShownDialog:
    kept = _kept(records, asking.job.id, asking.request)
    now = asking.job.without_token("\n".join(asking.dialog.lines))
    if kept is None:
        _keep(records, asking.job, asking.dialog)
        raise Refused(
            "nobody has been shown yet what this request asks",
            detail=now,
            fix="answer again, now that you have seen it",
        )
    if kept.digest != asking.dialog.digest:
        raise Refused("its agent asks something else than you were shown", detail=now, fix=_by_hand(asking.job))
    return kept


def _key(asking: _Asking, choice: Answer) -> str:
    if choice is Answer.DENY:
        return asking.prompt.deny
    if not approves_once(asking.prompt, asking.dialog):
        raise Refused(
            "it cannot be told that this would approve once, and nothing more",
            detail=asking.job.without_token("\n".join(asking.dialog.lines)),
            fix=_by_hand(asking.job),
        )
    return asking.prompt.approve


def _by_hand(job: Job) -> str:
    return f"look, and answer there: reconciler attach {job.agent_session.removeprefix('tmux:')}"


# --- the key ----------------------------------------------------------------------------------


def _pressed(asking: _Asking, key: str, world: World) -> str:
    """Press it, and see that the dialog goes away; what went wrong, empty when nothing did."""
    if world.tmux.press(asking.to.pane.target, [key]) is not Typed.DONE:
        return "its agent is gone"
    deadline = world.clock.monotonic() + _SECONDS
    while _stays(asking, seen := observe_agent(asking.to, world)):
        if world.clock.monotonic() >= deadline:
            return f"{key} was pressed, but {question(seen)}"
        world.clock.wait(_PAUSE)
    return ""


def _stays(asking: _Asking, seen: AgentState) -> bool:
    """Whether it still asks, and nothing shows that it is another question."""
    dialog = dialog_of(asking.to, seen)
    asks = seen.activity in {Activity.WAITING, Activity.DIALOG}
    return asks and (dialog is None or dialog.digest == asking.dialog.digest)


# --- what is kept -----------------------------------------------------------------------------


def _keep(records: Records, job: Job, dialog: Dialog) -> ShownDialog:
    """The sighting as it is kept: of two at a time, the first."""
    request = job.permission.request if job.permission else ""
    lines = tuple(job.without_token("\n".join(dialog.lines)).split("\n"))
    new = ShownDialog(
        request, dialog.digest, job.without_token(dialog.question), lines, to_millisecond(records.clock.now())
    )
    path = _path(records, job.id, request, "shown")
    records.files.make_folder(os.path.dirname(path), 0o700)
    with lockfile.one_at_a_time(os.path.dirname(path)):
        lockfile.create(path, json.dumps(to_builtins(new)).encode())
    return _kept(records, job.id, request) or new


def _kept(records: Records, job_id: str, request: str) -> ShownDialog | None:
    path = _path(records, job_id, request, "shown")
    match records.files.read(path):
        case Present(data):
            try:
                return shaped(ShownDialog, read_json(data))
            except ValueError as error:
                raise ReconcilerError("what was shown of the request cannot be read", fix=f"delete {path}") from error
        case Unknown(reason):
            raise ReconcilerError(f"what was shown of the request cannot be read: {reason}")
        case Absent():
            return None


def _claim(records: Records, asking: _Asking, choice: Answer) -> None:
    """Only one answer can have this file, whatever runs beside us and whenever we are killed."""
    by = {"answer": choice, "at": to_millisecond(records.clock.now()), **_whoever()}
    path = _path(records, asking.job.id, asking.request, "answer")
    with lockfile.one_at_a_time(os.path.dirname(path)):
        made = lockfile.create(path, json.dumps(by).encode())
    if not made:
        raise Refused(f"the request {asking.request} has been answered before", detail=path, fix=_by_hand(asking.job))


def _path(records: Records, job_id: str, request: str, what: str) -> str:
    """The id of a genuine event is letters, digits, `_` and `-`."""
    return os.path.join(home_of(records, job_id), "requests", f"{request}.{what}")


def _audit(records: Records, job: Job, entry: Mapping[str, Json]) -> None:
    at = to_millisecond(records.clock.now())
    append_events(audit_folder(job, records.env), [{"at": at, "status": job.status, **entry}])


def _whoever() -> dict[str, Json]:
    """Who runs this, as the system knows it."""
    tty = next((os.ttyname(each) for each in (0, 1, 2) if os.isatty(each)), "")
    return {"user": _user(), "host": lockfile.current_namespace().host, "pid": os.getpid(), "tty": tty}


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())

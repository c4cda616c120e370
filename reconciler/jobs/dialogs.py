"""Show a permission dialog under the id of a request, and answer exactly this dialog, once.

A `Requests` belongs to a job or to an agent. After a dialog was shown under the id of a request, an answer to the
request is valid only for this text.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from hashlib import sha256

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from reconciler.agents.permission import Answer, Dialog, PermissionPrompt, approves_once, asks_for_reason, dialog_on
from reconciler.model.activity import Activity
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.moment import to_millisecond, unix
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.model.shaped import shaped
from reconciler.ports import lockfile
from reconciler.ports.world import TypingResult, World

from .agent_state import AgentState, Recipient, describe_dialog, observe_agent
from .asking_marks import AskingMarks, asks_anew, marks_of
from .audit import append_events
from .record import Records

FOLDER = ".requests"
"""Beside the job records: what was shown of agents that no job waits for, and whose turn it is to answer one."""
_SECONDS = 5.0  # for the dialog to go away
_SETTLED = 1.0  # seconds since it was shown
_PAUSE = 0.1


def _as_it_is(text: str) -> str:
    return text


class Requests(Struct, frozen=True):
    """Where the requests of a job or of an agent are kept, and how they are spoken of.

    `folder` holds a file for each dialog that was shown, and one for its answer. `audit` is the folder of the log that
    has who answered what; each entry gets the `facts`. `discreet` takes secrets out of a text. `session` is the tmux
    session that a person attaches to. `again` says how to see what is asked now; it is only set where a request has no
    id from its CLI, so that the traces of the asking tell it from a later one.
    """

    folder: str
    audit: str
    session: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    discreet: Callable[[str], str] = _as_it_is
    again: str = ""


class ShownDialog(Struct, frozen=True):
    """The dialog that the user was shown for a request."""

    request: str
    digest: str
    """SHA-256 of the dialog's lines, without frames, blinking and the selection."""
    question: str
    lines: tuple[str, ...]
    at: str
    """UTC, ISO 8601."""
    reported: str = ""
    stored: str = ""
    """This and the one before are the marks of the asking, see `asking_marks`."""

    @property
    def marks(self) -> AskingMarks:
        """The traces when it was shown."""
        return AskingMarks(self.reported, self.stored)


class _Asking(Struct, frozen=True):
    """A request that is to be answered: its agent, how that asks, and what it asks now."""

    requests: Requests
    request: str
    to: Recipient
    prompt: PermissionPrompt
    dialog: Dialog
    marks: AskingMarks


def dialog_of(to: Recipient, seen: AgentState) -> Dialog | None:
    """What it asks, when it asks for a permission: one that was answered may still be on the screen."""
    if to.profile.display.permission is None or seen.activity is not Activity.WAITING:
        return None
    return dialog_on(to.profile.display.permission, seen.lines)


def keep_dialog(requests: Requests, request: str, dialog: Dialog, marks: AskingMarks, world: World) -> ShownDialog:
    """The dialog as it is kept: of two at a time, the first. Raises ReconcilerError when it cannot be kept."""
    lines = tuple(requests.discreet("\n".join(dialog.lines)).split("\n"))
    asked, at = requests.discreet(dialog.question), to_millisecond(world.clock.now())
    new = ShownDialog(
        request=request,
        digest=dialog.digest,
        question=asked,
        lines=lines,
        at=at,
        reported=marks.reported,
        stored=marks.stored,
    )
    world.files.make_folder(requests.folder, 0o700)
    with lockfile.one_at_a_time(requests.folder):
        lockfile.create(_path(requests, request, "shown"), json.dumps(to_builtins(new)).encode())
    return kept_dialog(requests, request, world) or new


def kept_dialog(requests: Requests, request: str, world: World) -> ShownDialog | None:
    """What was shown under the name of the request; ReconcilerError when that cannot be read."""
    path = _path(requests, request, "shown")
    match world.files.read(path):
        case Present(data):
            try:
                return shaped(ShownDialog, read_json(data))
            except ValueError as error:
                raise ReconcilerError("what was shown of the request cannot be read", fix=f"delete {path}") from error
        case Unknown(reason):
            raise ReconcilerError(f"what was shown of the request cannot be read: {reason}")
        case Absent():
            return None


def is_answered(requests: Requests, request: str, world: World) -> bool:
    """Whether the request was answered, or may have been."""
    return not isinstance(world.files.read(_path(requests, request, "answer")), Absent)


def life_of(to: Recipient, world: World) -> str:
    """The name of this very run of an agent: another process, or one after a restart of the machine, has another."""
    started = world.processes.started(to.pane.pid)
    ticks = started.value if isinstance(started, Present) else 0
    words = (lockfile.current_namespace().boot, to.pane.pid, ticks, to.pane.pane_id)
    return sha256(" ".join(map(str, words)).encode()).hexdigest()[:16]


def turn_of(records: Records, to: Recipient, world: World) -> AbstractContextManager[None]:
    """Only one answer at a time goes to an agent, whatever request it is for."""
    return lockfile.one_at_a_time(os.path.join(records.folder, FOLDER, life_of(to, world), "turn"))


def give_answer(requests: Requests, request: str, choice: Answer, to: Recipient, world: World) -> ShownDialog:
    """Press the key that answers the request, and tell which dialog that was; the caller has the agent's turn.

    The audit has it before the key is pressed and after it. A request is answered once, whatever becomes of it.

    Raises:
        Refused: It was answered before, or the user never saw it; its agent asks something else now, or nothing
            that we know; or the key would allow more than this once.
        Unreachable: tmux could not be asked.
        ReconcilerError: The dialog did not go away, or the audit cannot be written.
    """
    _let_settle(requests, request, world)
    asking = _asked(requests, request, to, world)
    dialog = _same(asking, world)
    key = _key(asking, choice)
    _claim(asking, choice, world)
    entry = {"request": request, "answer": choice, "dialog": dialog.digest, "question": dialog.question}
    _audit(requests, {"what": "answering", **entry, "by": _who_answers()}, world)
    outcome = _pressed(asking, key, world)
    _audit(requests, {"what": "answered" if not outcome else "answer_failed", **entry, "why": outcome}, world)
    if outcome:
        raise ReconcilerError(f"the answer may not have arrived: {outcome}", fix=_by_hand(requests))
    return dialog


def _let_settle(requests: Requests, request: str, world: World) -> None:
    """Wait until the dialog has been there for a moment: Claude 2.1.332 ignores keys right after it has drawn one."""
    kept = kept_dialog(requests, request, world)
    shown = unix(kept.at) if kept else None
    left = _SETTLED - (world.clock.now().timestamp() - shown) if shown is not None else 0.0
    if 0 < left <= _SETTLED:
        world.clock.wait(left)


# --- what is asked ----------------------------------------------------------------------------


def _asked(requests: Requests, request: str, to: Recipient, world: World) -> _Asking:
    seen = observe_agent(to, world)
    dialog = dialog_of(to, seen)
    if to.profile.display.permission is None or dialog is None:
        asks = describe_dialog(seen) if seen.is_asking else "its screen does not ask for a permission"
        raise Refused("the agent shows no dialog that reconciler can answer", detail=asks, fix=_by_hand(requests))
    return _Asking(
        requests=requests,
        request=request,
        to=replace(to, pane=seen.pane or to.pane),
        prompt=to.profile.display.permission,
        dialog=dialog,
        marks=marks_of(to, seen, world.files) if requests.again else AskingMarks(),
    )


def _same(asking: _Asking, world: World) -> ShownDialog:
    requests = asking.requests
    kept = kept_dialog(requests, asking.request, world)
    now = requests.discreet("\n".join(asking.dialog.lines))
    if kept is None:
        keep_dialog(requests, asking.request, asking.dialog, asking.marks, world)
        raise Refused(
            "you have not seen yet what this request asks",
            detail=now,
            fix="read it, then run the same command again",
        )
    if kept.digest != asking.dialog.digest:
        raise Refused("the agent now asks something different from what you saw", detail=now, fix=_by_hand(requests))
    if asks_anew(kept.marks, asking.marks):
        raise Refused(
            "the agent asks again: what you saw was asked before, and has been answered since",
            detail=now,
            fix=requests.again,
        )
    return kept


def _key(asking: _Asking, choice: Answer) -> str:
    if choice is Answer.DENY:
        return asking.prompt.deny
    if not approves_once(asking.prompt, asking.dialog):
        raise Refused(
            "reconciler cannot tell that its key approves only this one request",
            detail=asking.requests.discreet("\n".join(asking.dialog.lines)),
            fix=_by_hand(asking.requests),
        )
    return asking.prompt.approve


def _by_hand(requests: Requests) -> str:
    return f"look, and answer there: reconciler attach {requests.session}"


# --- the key ----------------------------------------------------------------------------------


def _pressed(asking: _Asking, key: str, world: World) -> str:
    """Press it, and see that the dialog goes away; what went wrong, empty when nothing did.

    A CLI that asks for the reason of a denial is told none. Enter is pressed only there, and once: in the dialog before
    it, and in one that may come next, it would approve.
    """
    if world.tmux.press(asking.to.pane.target, [key]) is not TypingResult.DONE:
        return "its agent is gone"
    deadline, has_told = world.clock.monotonic() + _SECONDS, key != asking.prompt.deny
    while _stays(asking, seen := observe_agent(asking.to, world)):
        if not has_told and asks_for_reason(asking.prompt, seen.lines):
            world.tmux.press(asking.to.pane.target, ["Enter"])
            has_told = True
        if world.clock.monotonic() >= deadline:
            return f"{key} was pressed, but {describe_dialog(seen)}"
        world.clock.wait(_PAUSE)
    return ""


def _stays(asking: _Asking, seen: AgentState) -> bool:
    """Whether it still asks, and nothing shows that it is another question."""
    dialog = dialog_of(asking.to, seen)
    asks = seen.activity in {Activity.WAITING, Activity.DIALOG}
    return asks and (dialog is None or dialog.digest == asking.dialog.digest)


# --- what is kept -----------------------------------------------------------------------------


def _claim(asking: _Asking, choice: Answer, world: World) -> None:
    """Only one answer can have this file, whatever runs beside us and whenever we are killed."""
    by = {"answer": choice, "at": to_millisecond(world.clock.now()), **_who_answers()}
    path = _path(asking.requests, asking.request, "answer")
    with lockfile.one_at_a_time(asking.requests.folder):
        made = lockfile.create(path, json.dumps(by).encode())
    if not made:
        fix = _by_hand(asking.requests)
        raise Refused(f"the request {asking.request} has been answered before", detail=path, fix=fix)


def _path(requests: Requests, request: str, what: str) -> str:
    """The id of a request is letters, digits, `_` and `-`."""
    return os.path.join(requests.folder, f"{request}.{what}")


def _audit(requests: Requests, entry: Mapping[str, Json], world: World) -> None:
    at = to_millisecond(world.clock.now())
    append_events(requests.audit, [{"at": at, **requests.facts, **entry}])


def _who_answers() -> dict[str, Json]:
    """Who runs this, as the system knows it."""
    tty = next((os.ttyname(each) for each in (0, 1, 2) if os.isatty(each)), "")
    return {"user": _user(), "host": lockfile.current_namespace().host, "pid": os.getpid(), "tty": tty}


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())

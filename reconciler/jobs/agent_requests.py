"""Permission dialogs of agents without a job: each gets a request when it is shown to the user."""

from __future__ import annotations

import glob
import os

from msgspec.structs import replace

from reconciler.agents.permission import Answer
from reconciler.model.activity import Activity
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.observed import Present, Unknown
from reconciler.ports.world import World

from .agent_state import AgentState, Recipient, describe_dialog, observe_until
from .asking_marks import asks_anew, marks_of
from .dialogs import (
    FOLDER,
    Requests,
    ShownDialog,
    dialog_of,
    give_answer,
    is_answered,
    keep_dialog,
    kept_dialog,
    life_of,
    turn_of,
)
from .old_files import prune_requests
from .record import Records, expect_ours

_SHOWN = ".shown"
_DRAWN = 5.0  # seconds for a dialog to be drawn


def show_dialog(records: Records, to: Recipient, world: World) -> ShownDialog:
    """The dialog on the agent's screen, under the name of a request with which it can be answered.

    Whoever looks at the same dialog gets the same request, until that is answered.

    Raises:
        Refused: Its screen shows no dialog that reconciler can answer; or others may write where requests are kept.
        Unreachable: tmux could not be asked.
        ReconcilerError: It cannot be kept.
    """
    expect_ours(records, FOLDER)
    requests = _requests_of(records, to, world)
    seen = _seen_when_drawn(to, world)
    dialog = dialog_of(to, seen)
    if dialog is None:
        raise Refused(
            describe_dialog(seen) if seen.is_asking else f"{to.pane.session} does not wait for a permission",
            detail="its screen shows no dialog that reconciler can answer",
            fix=f"look, and answer there: reconciler attach {to.pane.session}",
        )
    marks = marks_of(to, seen, world.files)
    shown = (each for each in _open_requests(requests, world) if each.digest == dialog.digest)
    known = next((each for each in shown if not asks_anew(each.marks, marks)), None)
    if known:
        return known
    _prune(records, to, world)
    return keep_dialog(requests, os.urandom(8).hex(), dialog, marks, world)


def _seen_when_drawn(to: Recipient, world: World) -> AgentState:
    """The agent with its dialog on the screen, if it is drawn in time.

    A CLI may note that it asks before it draws the dialog: Claude 2.1.332 took half a second in most runs.
    """

    def is_drawn(seen: AgentState) -> bool:
        return seen.own.activity is not Activity.WAITING or seen.shown.activity in {Activity.WAITING, Activity.DIALOG}

    return observe_until(is_drawn, to, world, _DRAWN)


def answer_dialog(records: Records, request: str, choice: Answer, to: Recipient, world: World) -> ShownDialog:
    """Press the key that answers the request, and tell which dialog that was.

    Raises:
        Refused: This run of the agent was never shown with the request; or what `give_answer` refuses.
        Unreachable, ReconcilerError: As `give_answer` raises them.
    """
    expect_ours(records, FOLDER)
    requests = _requests_of(records, to, world)
    with turn_of(records, to, world):
        if not request.isalnum() or kept_dialog(requests, request, world) is None:
            raise Refused(
                f"no dialog of {to.pane.session} was shown under the request {request}",
                fix=f"see what it asks: reconciler answer {to.pane.session}",
            )
        return give_answer(requests, request, choice, to, world)


def _requests_of(records: Records, to: Recipient, world: World) -> Requests:
    """Those of this very run of the agent; who answered what is in one log for all agents."""
    root = os.path.join(records.folder, FOLDER)
    session = to.pane.session
    return Requests(
        folder=os.path.join(root, life_of(to, world)),
        audit=root,
        session=session,
        facts={"session": session},
        again=f"see what it asks: reconciler answer {session}",
    )


def _prune(records: Records, to: Recipient, world: World) -> None:
    """Delete old requests, if it can be seen which agents live."""
    state = world.tmux.look()
    if isinstance(state, Present):
        living = {life_of(replace(to, pane=pane), world) for pane in (to.pane, *state.value.panes)}
        prune_requests(os.path.join(records.folder, FOLDER), living, world)


def _open_requests(requests: Requests, world: World) -> list[ShownDialog]:
    """The requests without an answer, in the order in which they were shown."""
    match world.files.find(os.path.join(glob.escape(requests.folder), f"*{_SHOWN}")):
        case Present(paths):
            names = [os.path.basename(path).removesuffix(_SHOWN) for path in paths]
        case Unknown(reason):
            raise ReconcilerError(f"what was shown of the agent cannot be read: {reason}")
        case _:
            names = []
    shown = (kept_dialog(requests, name, world) for name in names if not is_answered(requests, name, world))
    return sorted((each for each in shown if each), key=lambda each: (each.at, each.request))

"""What a user can do with an agent on the board. Each action returns its verdict; nothing is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing

from msgspec import Struct

from reconciler.agents.permission import Answer
from reconciler.app.agents.look import look, unseen
from reconciler.app.agents.names import resolve_declared, resting
from reconciler.app.jobs.answers import dialog_now, give
from reconciler.app.jobs.records import records_of
from reconciler.app.jobs.send import live_recipient, send
from reconciler.app.plan.apply import work
from reconciler.app.plan.by_hand import request_to_restart, request_to_resume, request_to_stop
from reconciler.app.plan.endings import await_endings
from reconciler.app.plan.event_text import event_lines
from reconciler.app.plan.events import (
    ActionReported,
    ApplyEnded,
    ApplyEvent,
    Concluded,
    Diagnosed,
    InfoMessage,
    PlanMade,
)
from reconciler.app.plan.make import make_plan
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.plan.plans import document_of
from reconciler.app.plan.saved_plans import request_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError
from reconciler.model.event import ActionStarted, ActionWaiting
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line
from reconciler.model.observed import Unknown
from reconciler.plan.request import Request
from reconciler.render.document import diagnostic_document
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.events import event_text
from reconciler.render.sending import send_document, send_exit_code, send_text
from reconciler.render.text import diagnostic_text

Tell = Callable[[str], None]


class ActionResult(Struct, frozen=True):
    """The verdict of an action: whether it was done, and lines that say so, the first of which makes sense alone."""

    done: bool
    lines: tuple[str, ...]


class DialogToAnswer(Struct, frozen=True):
    """A permission dialog, and the request with which exactly this dialog can be answered."""

    request: str
    lines: tuple[str, ...]
    job: str = ""
    """The id of the job that waits for the answer; empty without one."""


def failed(error: ReconcilerError) -> ActionResult:
    """The verdict of an action that raised this error."""
    return ActionResult(done=False, lines=tuple(_diagnosis(error)))


def _diagnosis(error: ReconcilerError) -> Iterable[str]:
    return (line for each in error.diagnostics for line in diagnostic_text(diagnostic_document(each)))


# --- prompts and answers ----------------------------------------------------------------------


def send_prompt(at: Project, address: Address, text: str) -> ActionResult:
    """Send a prompt, as `reconciler send`. Raises ReconcilerError if it could not be tried."""
    sent = send(at, live_recipient(at, str(address), within_budget=True), text)
    document = send_document(str(sent.address), sent.session, sent.delivery)
    return ActionResult(send_exit_code(document) is ExitCode.OK, tuple(send_text(document)))


def show_dialog(at: Project, address: Address) -> DialogToAnswer:
    """The permission dialog of an agent, under the request with which it can be answered; raises as `dialog_now`."""
    found = dialog_now(records_of(at, JOB_RECORDS), live_recipient(at, str(address)))
    return DialogToAnswer(found.shown.request, found.shown.lines, found.job.id if found.job else "")


def answer_dialog(at: Project, address: Address, request: str, choice: Answer) -> ActionResult:
    """Answer exactly the dialog that was shown under the request.

    Raises:
        Refused: The agent asks something else now, even if a single character differs; or as `give`.
        ReconcilerError: The answer may not have arrived.
    """
    given = give(at, records_of(at, JOB_RECORDS), live_recipient(at, str(address)), request, choice)
    return ActionResult(done=True, lines=(f"{choice.value}: {one_line(given.shown.question)}",))


# --- agents -----------------------------------------------------------------------------------


def stop_agent(at: Project, address: Address, tell: Tell) -> ActionResult:
    """Stop an agent, as `reconciler stop`: not while it is in use. Raises ReconcilerError."""
    agents = resting(look(at), [str(address)])
    return _carried_out(at, request_to_stop(agents), tell)


def resume_agent(at: Project, address: Address, tell: Tell) -> ActionResult:
    """Start an agent again, as `reconciler resume`. Raises ReconcilerError."""
    seen = look(at, everyone=False)
    request = request_to_resume(resolve_declared(seen, [str(address)]))
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    for action in await_endings(at, seen, request):
        tell(f"Waiting for {action.address}: {action.note}")
    return _carried_out(at, request, tell)


def restart_agent(at: Project, address: Address, tell: Tell) -> ActionResult:
    """End an agent and start it again, as `reconciler restart`: not while it is in use. Raises ReconcilerError."""
    agents = resolve_declared(look(at, everyone=False), [str(address)])
    return _carried_out(at, request_to_restart(agents), tell)


# --- plans ------------------------------------------------------------------------------------


def plan_now(at: Project) -> PlanDoc:
    """What an apply would do now. Raises ReconcilerError."""
    return document_of(at, make_plan(at, Request()))


def apply_plan(at: Project, plan: PlanDoc, tell: Tell) -> ActionResult:
    """Carry out exactly the plan that was shown. Raises StalePlan if anything changed since."""
    return _carried_out(at, request_of(plan), tell, plan)


def _carried_out(at: Project, request: Request, tell: Tell, saved: PlanDoc | None = None) -> ActionResult:
    options = ApplyOptions(auto_approve=True, max_destroy=len(request.replace) or None)
    done: list[str] = []
    result: list[str] = []
    code = int(ExitCode.ERROR)
    with closing(work(at, request, options, saved)) as events:
        for event in events:
            lines = list(_lines(event))
            (result if isinstance(event, Concluded) else done).extend(lines)
            for line in lines:
                tell(line)
            if isinstance(event, ApplyEnded):
                code = event.exit_code
    return ActionResult(code == ExitCode.OK, _verdict_lines(done, result, of_plan=saved is not None))


def _verdict_lines(done: Sequence[str], result: Sequence[str], *, of_plan: bool) -> tuple[str, ...]:
    """The result of a plan before its actions; of an action on one agent, what it says itself is the result."""
    lines = [*result, *done] if of_plan else done or result
    return tuple(lines) or ("Nothing to do.",)


def _lines(event: ApplyEvent) -> Iterable[str]:
    match event:
        case PlanMade():
            return ()
        case InfoMessage(text=text):
            return (text,)
        case ActionReported(event=ActionStarted() | ActionWaiting()):
            return ()
        case ActionReported(line=line):
            return filter(None, event_text(line))
        case Diagnosed(raised=True):
            return ()
    return filter(None, event_lines(event))

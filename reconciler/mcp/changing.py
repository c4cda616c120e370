"""The tools that change something. Each exists only if the user allows it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import to_builtins

from reconciler.agents.permission import Answer
from reconciler.app.agents.look import look
from reconciler.app.agents.names import resolve_declared, resolve_names, resting
from reconciler.app.agents.own_agent import own_agent
from reconciler.app.jobs import answers, background, jobs
from reconciler.app.jobs import send as sending
from reconciler.app.jobs.events import JobReport, WaitEnded
from reconciler.app.jobs.jobs import SubmitOptions, WaitLimit
from reconciler.app.jobs.listing import mistakes_in
from reconciler.app.jobs.records import records_of
from reconciler.app.plan.apply import Work, work
from reconciler.app.plan.by_hand import request_to_resume, request_to_stop
from reconciler.app.plan.endings import await_endings
from reconciler.app.plan.events import ApplyEnded
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.plan.saved_plans import request_of
from reconciler.app.project.places import JOB_RECORDS
from reconciler.app.project.project import Project
from reconciler.jobs.deliver import DeliveryTimeouts
from reconciler.jobs.outcome import exit_code_of, exit_code_of_all
from reconciler.jobs.record import NewJob
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.answering import agent_answer_document
from reconciler.render.jobs import jobs_document
from reconciler.render.sending import send_document, send_exit_code

from .arguments import (
    AnswerArguments,
    ApplyArguments,
    ResumeArguments,
    SendArguments,
    StopArguments,
    SubmitArguments,
    WaitArguments,
)
from .tool import Tool, ToolAccess, ToolPermission, ToolResult


def _send(access: ToolAccess, given: SendArguments) -> ToolResult:
    at = access.open()
    to = sending.live_recipient(at, given.name, within_budget=True)
    _expect_another(access, at, [to.address])
    sent = sending.send(at, to, given.text, given.wait_idle)
    document = send_document(str(sent.address), sent.session, sent.delivery)
    return ToolResult(document, send_exit_code(document))


def _answer(access: ToolAccess, given: AnswerArguments) -> ToolResult:
    if bool(given.request) != bool(given.answer):
        raise UsageError("`request` and `answer` are needed together", fix="call `answer` with only `name` to get them")
    at = access.open()
    asked = sending.live_recipient(at, given.name)
    records = records_of(at, JOB_RECORDS)
    if not given.answer:
        dialog, choice = answers.dialog_now(records, asked), None
    else:
        _expect_another(access, at, [asked.address])
        choice = Answer(given.answer)
        dialog = answers.give(at, records, asked, given.request, choice)
    whose = {
        "address": str(asked.address),
        "session": asked.to.pane.session,
        "job": dialog.job.id if dialog.job else None,
    }
    return ToolResult(agent_answer_document(whose, to_builtins(dialog.shown), choice))


def _stop(access: ToolAccess, given: StopArguments) -> ToolResult:
    at = access.open()
    agents = resting(look(at), given.names)
    _expect_another(access, at, agents)
    return _run_to_end(work(at, request_to_stop(agents, given.reason or "stopped by an agent"), _APPROVED))


def _resume(access: ToolAccess, given: ResumeArguments) -> ToolResult:
    at = access.open()
    seen = look(at, everyone=False)
    request = request_to_resume(resolve_declared(seen, given.names))
    for _waiting in await_endings(at, seen, request):
        pass  # there is no terminal on which to show progress
    return _run_to_end(work(at, request, _APPROVED))


def _apply(access: ToolAccess, given: ApplyArguments) -> ToolResult:
    digest = given.digest.removeprefix("sha256:")
    shown = access.shown.get(digest)
    if shown is None:
        raise Refused(f"no plan with the digest {digest} was shown", fix="call `plan` first, then pass its digest")
    at = access.open()
    ends = {each["address"] for each in shown["resource_changes"] if "delete" in each["actions"]}
    _expect_another_of(access, at, ends)
    return _run_to_end(work(at, request_of(shown), _APPROVED, shown))


def _submit(access: ToolAccess, given: SubmitArguments) -> ToolResult:
    at = access.open()
    _expect_another(access, at, resolve_names(look(at, everyone=False), [given.name]))
    new = NewJob(
        prompt=given.prompt,
        agent=given.name,
        agent_session="",
        workdir=at.root,
        timeout=given.timeout,
        idle_timeout=given.idle_timeout,
    )
    options = SubmitOptions(DeliveryTimeouts(idle=given.wait_idle), detach=True)
    for event in jobs.submit(at, records_of(at, JOB_RECORDS), new, options):
        if isinstance(event, JobReport):
            alone = [Diagnostic(severity=Severity.WARNING, summary=event.unfollowed)] if event.unfollowed else []
            return ToolResult(jobs_document([event.row], alone), exit_code_of(event.outcome))
    raise ReconcilerError("the job has no result")


def _wait(access: ToolAccess, given: WaitArguments) -> ToolResult:
    at = access.open()
    records = records_of(at, JOB_RECORDS)
    background.revive(at, records)
    for event in jobs.wait(at, records, given.job, WaitLimit(given.seconds)):
        if isinstance(event, WaitEnded):
            document = jobs_document((report.row for report in event.reports), mistakes_in(event.unreadable))
            outcomes = [report.outcome for report in event.reports]
            return ToolResult(document, exit_code_of_all(outcomes, first=False, unreadable=bool(event.unreadable)))
    raise ReconcilerError("the wait has no result")


# --- what they share --------------------------------------------------------------------------

_APPROVED = ApplyOptions(auto_approve=True)


def _run_to_end(events: Work) -> ToolResult:
    """Run an apply to its end, and return its events as published."""
    lines, code = [], int(ExitCode.ERROR)
    try:
        for event in events:
            if event.line is not None:
                lines.append(event.line)
            if isinstance(event, ApplyEnded):
                code = event.exit_code
    except ReconcilerError as error:  # the error is also one of the events
        code = error.exit_code
    return ToolResult({"events": lines}, code)


def _expect_another(access: ToolAccess, at: Project, agents: Iterable[Address]) -> None:
    _expect_another_of(access, at, {str(each) for each in agents})


def _expect_another_of(access: ToolAccess, at: Project, addresses: Iterable[str]) -> None:
    """Raise Refused if one of the addresses is the calling agent itself, unless the user allows that."""
    if ToolPermission.SELF in access.allowed:
        return
    own = own_agent(at, look(at, everyone=False))
    if own is not None and str(own) in set(addresses):
        raise Refused(f"{own} may not do this to itself", fix="the user starts the server with `--allow self`")


CHANGING = (
    Tool(
        name="send",
        summary="Type one prompt into an idle agent and submit it. The verdict says whether the agent took it.",
        arguments=SendArguments,
        schema="send",
        permission=ToolPermission.SEND,
        changes=True,
        call=_send,
    ),
    Tool(
        name="answer",
        summary="Show the permission dialog of an agent, or approve it once or deny it with the id that was shown.",
        arguments=AnswerArguments,
        schema="answer",
        permission=ToolPermission.ANSWER,
        changes=True,
        call=_answer,
    ),
    Tool(
        name="job_submit",
        summary="Give a task to a running agent, and return at once. The job is followed in the background.",
        arguments=SubmitArguments,
        schema="jobs",
        permission=ToolPermission.JOB,
        changes=True,
        call=_submit,
    ),
    Tool(
        name="job_wait",
        summary="Wait until a job ends, or all open jobs, and return them.",
        arguments=WaitArguments,
        schema="jobs",
        permission=ToolPermission.JOB,
        call=_wait,
    ),
    Tool(
        name="stop",
        summary="Stop agents that are not in use; they stay stopped until `resume`. Conversations are kept.",
        arguments=StopArguments,
        schema="event",
        events=True,
        permission=ToolPermission.STOP,
        changes=True,
        call=_stop,
    ),
    Tool(
        name="resume",
        summary="Start agents again, each in its own conversation.",
        arguments=ResumeArguments,
        schema="event",
        events=True,
        permission=ToolPermission.RESUME,
        changes=True,
        call=_resume,
    ),
    Tool(
        name="apply",
        summary="Carry out a plan that `plan` returned. Refused when anything has changed since.",
        arguments=ApplyArguments,
        schema="event",
        events=True,
        permission=ToolPermission.APPLY,
        changes=True,
        call=_apply,
    ),
)

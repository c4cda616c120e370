"""Give claimed jobs to their agents: one job an agent, and nothing to one that is busy or asks something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.agents.look import ProjectView
from reconciler.app.jobs.runner.agents import known_agents
from reconciler.app.jobs.runner.claims import guard_of
from reconciler.app.jobs.runner.context import NewsKind, RunnerContext, RunnerNews, RunnerTask
from reconciler.app.usage.budgets import refuse_over_budget
from reconciler.jobs.attempt import attempt, is_later, pause_after
from reconciler.jobs.envelope import BrokenEnvelope, unpacked
from reconciler.jobs.orders import order_of
from reconciler.jobs.recipient import Addressee, addressee, recipient, session_of
from reconciler.jobs.record import home_of, read, update
from reconciler.jobs.taken import note_done
from reconciler.model.errors import ReconcilerError, Refused, Unreachable
from reconciler.model.job import Ending, Job
from reconciler.model.moment import parse_zoned


def deliver_next(context: RunnerContext) -> Iterator[RunnerNews]:
    """Try the first job whose time has come. Only one, so that no claim waits long for its heartbeat."""
    now = context.now()
    for task, job in context.taken():
        if job.ended or job.delivery is not None:
            _follow(context, task)
            continue
        if now < task.next_attempt:
            continue
        if context.records.clock.now() >= parse_zoned(job.created_at) + timedelta(seconds=job.timeout):
            context.end(job.id, Ending.TIMEOUT, f"not delivered within {job.timeout:g} s")
            continue
        yield from _try(context, task, job)
        return


class _Meeting(Struct, frozen=True):
    """The job, its agent, and the view in which that was found."""

    job: Job
    to: Addressee
    seen: ProjectView


def _try(context: RunnerContext, task: RunnerTask, job: Job) -> Iterator[RunnerNews]:
    task.attempts += 1
    task.next_attempt = context.now() + pause_after(task.attempts)
    try:
        seen = context.look()
        to = _addressee(context, job, seen)
    except (Refused, Unreachable) as error:  # tmux may answer later, and a budget ends at midnight
        yield RunnerNews(NewsKind.WAITING, job.id, error.summary)
        return
    except ReconcilerError as error:
        context.end(job.id, Ending.ERROR, f"delivery failed: {error.summary}")
        return
    session = session_of(to.pane)
    if session in context.open_sessions(apart_from=job.id):
        yield RunnerNews(NewsKind.WAITING, job.id, f"{to.pane.session} has another job")
        return
    job = update(context.records, job.id, lambda job: replace(job, agent_session=session))
    yield from _give(context, task, _Meeting(job, to, seen))


def _addressee(context: RunnerContext, job: Job, seen: ProjectView) -> Addressee:
    """The agent that the job is for.

    Raises Refused or Unreachable if it can get the job later, else ReconcilerError.
    """
    to = addressee(job.agent, "", known_agents(seen))
    if to.case:
        refuse_over_budget(context.at, seen.desired, to.case.address)
    wanted = _workspace(context, job)
    if wanted and (to.case is None or to.case.address.workspace != wanted):
        raise ReconcilerError(f"{job.agent} does not work in the workspace {wanted}")
    return to


def _workspace(context: RunnerContext, job: Job) -> str:
    try:
        return unpacked(order_of(context.records, job.id), job.id).workdir
    except BrokenEnvelope:  # somebody damaged the file since
        return ""


def _give(context: RunnerContext, task: RunnerTask, meeting: _Meeting) -> Iterator[RunnerNews]:
    at, records, job, to = context.at, context.records, meeting.job, meeting.to
    whom = recipient(to, meeting.seen.snapshot, at.files, at.caller, home_of(records, job.id))
    world = at.world(meeting.seen.desired.socket)
    _follow(context, task)  # first, so that no event is missed
    delivery = attempt(records, job, whom, world, lambda: context.queue.begin(task.claim))
    if delivery and is_later(delivery):
        detail = f"{to.pane.session}: {delivery.detail or delivery.verdict}"
        yield RunnerNews(NewsKind.WAITING, job.id, detail)
    elif delivery:
        yield RunnerNews(NewsKind.DELIVERED, job.id, f"{to.pane.session}: {delivery.verdict}")
    elif not read(records, job.id).ended:
        yield _leave(context, task, job)


def _leave(context: RunnerContext, task: RunnerTask, job: Job) -> RunnerNews:
    """Another host began the job: it is not done here, but somebody must see to its end."""
    context.end(job.id, Ending.ERROR, "another host began it")
    note_done(context.records, job.id, elsewhere=True)
    del context.tasks[job.id]
    context.guards[job.id] = guard_of(context, task.claim, job)
    return RunnerNews(NewsKind.GUARDED, job.id, "another host began it")


def _follow(context: RunnerContext, task: RunnerTask) -> None:
    if not task.is_followed:
        context.follower.add(task.job_id)
        task.is_followed = True

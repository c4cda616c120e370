"""Send a job to its agent, follow it to its end, and report the result."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.agents.profile import Profile
from reconciler.app.agents.look import ProjectView, look
from reconciler.app.jobs import background
from reconciler.app.jobs.away import queue_again
from reconciler.app.jobs.events import (
    DeliveryEnded,
    FollowedJobs,
    FollowEvent,
    HumanInstructed,
    JobRegistered,
    JobReport,
    NoOpenJob,
    SubmitEvent,
    ValidationStarted,
    WaitEnded,
    WaitEvent,
)
from reconciler.app.jobs.listing import row_of
from reconciler.app.jobs.queues import bus_of_queue
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.app.usage.budgets import refuse_over_budget
from reconciler.broker.clients.connection import PUBLIC_WARNING, is_public
from reconciler.jobs.audit import logs_root
from reconciler.jobs.background import address_of, expect_ours
from reconciler.jobs.deliver import DeliveryTimeouts
from reconciler.jobs.follow import Follower, follow
from reconciler.jobs.instructions import instructions, publish_command
from reconciler.jobs.listen import Followers, listenings
from reconciler.jobs.outcome import JobOutcome, detached_outcome, outcome_of
from reconciler.jobs.permission_watcher import PermissionWatcher, WatchedAgent
from reconciler.jobs.reading import Recorded, RecordUnreadable
from reconciler.jobs.recipient import HUMAN, Addressee, KnownAgents, addressee, recipient, session_of
from reconciler.jobs.record import NewJob, Records, home_of, look_at_all, read
from reconciler.jobs.record import look as look_at
from reconciler.jobs.route import Route, route
from reconciler.jobs.submit import follow_new_job, hand_over, watch_job, write_instructions
from reconciler.jobs.validation import conclude, keep_pane
from reconciler.jobs.warnings import record_warnings
from reconciler.model.broker import NATS, BrokerWarning, Connection, EventWay
from reconciler.model.delivery import Delivery
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import Refused
from reconciler.model.job import Happening, Job
from reconciler.observe.visibility import unseen_of, unseen_processes
from reconciler.ports.buses import open_bus
from reconciler.ports.world import World
from reconciler.render.documents.job_dry_run import DryRunDoc
from reconciler.render.jobs import dry_run_document

_SAMPLE = "dry-run"  # the id shown by `--dry-run`, which makes no job


class SubmitOptions(Struct, frozen=True):
    """How a job is sent: `patience` is how long to wait for a busy agent; `detach` does not follow the job.

    With `over_budget`, it is also sent to an agent whose budget is used up.
    """

    patience: DeliveryTimeouts = field(default_factory=DeliveryTimeouts)
    detach: bool = False
    over_budget: bool = False


class WaitLimit(Struct, frozen=True):
    """How long to wait for jobs: at most `seconds`, until all have ended, or with `first` until one has."""

    seconds: float = math.inf
    first: bool = False


class JobContext(Struct, frozen=True):
    """The project, its present state, and its jobs."""

    at: Project
    seen: ProjectView
    records: Records

    @property
    def world(self) -> World:
        """All ports, with the tmux server that the agents run on."""
        return self.at.world(self.seen.desired.socket)


def submit(at: Project, records: Records, new: NewJob, options: SubmitOptions) -> Generator[SubmitEvent, None, None]:
    """Send a job to its agent and follow it to its end unless it is detached; the last event is its `JobReport`."""
    refuse_copy(at)
    expect_ours(records)
    at.clear_up(records.folder, logs_root(at.env, new.workdir))
    context = JobContext(at, look(at, everyone=False), records)
    to = _addressee(context.seen, new)
    if to and to.case and not options.over_budget:
        refuse_over_budget(at, context.seen.desired, to.case.address)
    way = route_of(context)
    yield from warnings_of(way.follower)
    session = session_of(to.pane) if to else ""
    addressed = replace(new, agent_session=session, broker=way.publisher, topic_prefix=way.topic_prefix)
    with closing(open_bus(way.follower)) as bus:
        job, follower = follow_new_job(records, addressed, bus)
        yield JobRegistered(job.id)
        background.begin(at, records) if options.detach else background.revive(at, records)
        if to:
            yield from unseen_checks(at, to.profile)
        yield FollowedJobs((job.id,))
        delivery = yield from _delivered(context, job, to, options)
        if delivery and not delivery.may_have_arrived:
            yield _not_delivered(context, job.id)
            return
        if options.detach:
            problem = background.hand_on(at, records, follower, job.id, address_of(way.follower))
            yield from _detached(context, job.id, problem)
            return
        yield from _followed(context, follower, WaitLimit())
    yield FollowedJobs(())
    yield (yield from _concluded(context, job.id))


def dry_run(at: Project, records: Records, new: NewJob) -> DryRunDoc:
    """The instructions that the agent would get; nothing is recorded or sent."""
    to = _addressee(look(at, everyone=False), new)
    text = instructions(_SAMPLE, new.prompt, publish_command(_SAMPLE, records.folder, at.env))
    folder = os.path.join(logs_root(at.env, new.workdir), _SAMPLE)
    return dry_run_document(new.agent, session_of(to.pane) if to else "", text, folder)


def wait(at: Project, records: Records, job_id: str, limit: WaitLimit) -> Generator[WaitEvent, None, None]:
    """Follow one job, or all open jobs without an id, and finish those that end; the last event is `WaitEnded`.

    An unreadable record may belong to an open job: it is reported, and the other jobs are followed.
    """
    found, unreadable = ((look_at(records, job_id),), ()) if job_id else _open_jobs(records)
    if not found and not unreadable:
        yield NoOpenJob()
    yield from record_warnings(found)
    context = JobContext(at, look(at, everyone=False), records)
    running = tuple(each for each in found if not each.job.ended)
    if running and not (limit.first and len(running) < len(found)):
        yield from unseen_checks(at)
        unclaimed = [each.job for each in running if each.job.is_sent_away and not each.job.host]
        if unclaimed:
            queue_again(at, context.seen.desired, records, unclaimed)
        yield from _heard(context, running, limit)
    reports = []
    for each in found:
        report = yield from _concluded(context, each.job.id)
        reports.append(report)
    yield WaitEnded(tuple(reports), unreadable)


def _heard(context: JobContext, running: Sequence[Recorded], limit: WaitLimit) -> Iterator[FollowEvent]:
    """Follow jobs, each through its own broker."""
    records, way = context.records, route_of(context)
    with ExitStack() as connections:
        followers = []
        queued, others = _parted(running)
        if queued:
            bus = connections.enter_context(bus_of_queue(context.at, context.seen.desired))
            followers.append(follow(records, bus, queued))
        for each in listenings(others, way.follower, records):
            yield from warnings_of(each.way)
            if each.warning:
                yield BrokerWarning(each.warning)
            bus = connections.enter_context(closing(open_bus(each.way)))
            followers.append(follow(records, bus, each.job_ids))
        yield FollowedJobs(tuple(each.job.id for each in running))
        yield from _followed(context, Followers(followers), limit)
    yield FollowedJobs(())


def _parted(found: Sequence[Recorded]) -> tuple[list[str], list[Recorded]]:
    """The ids of the jobs that are followed over a NATS server, and the other jobs."""
    queued = [each.job.id for each in found if NATS in each.job.broker]
    return queued, [each for each in found if NATS not in each.job.broker]


def _followed(context: JobContext, follower: Follower | Followers, limit: WaitLimit) -> Iterator[Happening]:
    watcher = permission_watcher_of(context.at, context.records)
    return watch_job(context.records, follower, limit.seconds, first=limit.first, watcher=watcher)


def permission_watcher_of(at: Project, records: Records) -> PermissionWatcher:
    """The watcher that reports permission dialogs on agents' screens that no hook has reported."""
    return PermissionWatcher(records, lambda job: agent_of(at, records, job))


def agent_of(at: Project, records: Records, job: Job) -> WatchedAgent:
    """The live agent of a job and the ports to reach it.

    Raises Refused if a person or another host does the job; else as `addressee`.
    """
    if job.agent == HUMAN:
        raise Refused("a person does this job: there is no dialog to answer")
    if job.is_sent_away:
        where = job.host or "the host that claims it"
        raise Refused(
            f"the agent of job {job.id} is on another host", fix=f"on {where}: reconciler job answer --job {job.id}"
        )
    seen = look(at, everyone=False)
    to = addressee(job.agent, job.agent_session, _roster(seen))
    whom = recipient(to, seen.snapshot, at.files, at.caller, home_of(records, job.id))
    return WatchedAgent(whom, at.world(seen.desired.socket))


def unseen_checks(at: Project, profile: Profile | None = None) -> Iterator[Diagnostic]:
    """A diagnostic for each check that this system does not allow, for this agent type or for any."""
    yield from unseen_of(profile, at.processes) if profile else unseen_processes(at.processes)


def _open_jobs(records: Records) -> tuple[tuple[Recorded, ...], tuple[RecordUnreadable, ...]]:
    """All jobs that have not ended, and the records that cannot be read."""
    found, unreadable = look_at_all(records)
    return tuple(each for each in found if not each.job.ended), unreadable


# --- who and how ------------------------------------------------------------------------------


def _addressee(seen: ProjectView, new: NewJob) -> Addressee | None:
    """The live agent that gets the job; None if a person does it."""
    return None if new.agent == HUMAN else addressee(new.agent, new.agent_session, _roster(seen))


def _roster(seen: ProjectView) -> KnownAgents:
    return KnownAgents(seen.cases, seen.snapshot.tmux, catalogue(seen.desired.agent_types.values()))


def route_of(context: JobContext) -> Route:
    """The broker, or the files, that carry the events, and the topics."""
    declared = broker_of(context.at, context.seen.desired)
    return route(declared, context.at.env, context.at.files, context.records.folder)


def warnings_of(way: EventWay) -> Iterator[BrokerWarning]:
    """What the user should know about the broker that carries the events."""
    if isinstance(way, Connection) and is_public(way):
        yield BrokerWarning(PUBLIC_WARNING)


def _delivered(
    context: JobContext, job: Job, to: Addressee | None, options: SubmitOptions
) -> Generator[SubmitEvent, None, Delivery | None]:
    """The result of sending the prompt; None if a person does the job, or if it has already ended."""
    at, records = context.at, context.records
    if to is None:
        yield HumanInstructed(write_instructions(records, job))
        return None
    whom = recipient(to, context.seen.snapshot, at.files, at.caller, home_of(records, job.id))
    delivery = hand_over(records, job, whom, context.world, options.patience)
    yield DeliveryEnded(job.id, to.pane.session, delivery)
    return delivery


# --- what became of it ------------------------------------------------------------------------


def _not_delivered(context: JobContext, job_id: str) -> JobReport:
    """The report of a job that ended because its prompt did not arrive."""
    job = read(context.records, job_id)
    keep_pane(context.records, job, context.world.tmux)
    return JobReport(row_of(context.records, job), JobOutcome.NOT_DELIVERED)


def _detached(context: JobContext, job_id: str, problem: str) -> Iterator[SubmitEvent]:
    """The report of a detached job; `problem` is why no background process follows it."""
    job = read(context.records, job_id)
    if job.ended:
        yield (yield from _concluded(context, job_id))
        return
    outcome = detached_outcome(job, is_followed=not problem)
    yield JobReport(row_of(context.records, job), outcome, problem)


def _concluded(context: JobContext, job_id: str) -> Generator[FollowEvent, None, JobReport]:
    """Finish a job that has ended, with its audit, and return its report."""
    found = look_at(context.records, job_id)
    job = found.job
    if job.ended and not found.is_ended_elsewhere:
        if job.validate and job.validated is None:
            yield ValidationStarted(job.validate)
        conclude(context.records, job_id, context.world.tmux)
        job = read(context.records, job_id)
    return JobReport(row_of(context.records, job), outcome_of(job))

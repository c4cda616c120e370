"""The work of the job commands: hand over, follow, tell, finish."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.agents.look import Seen, look
from reconciler.app.jobs import background
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.fences import fence_records
from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.broker.connection import PUBLIC_WARNING, is_public
from reconciler.jobs.audit import audit_folder, logs_root
from reconciler.jobs.deliver import Patience
from reconciler.jobs.follow import Follower, follow
from reconciler.jobs.instructions import instructions, publish_command
from reconciler.jobs.lookout import Agent, Lookout
from reconciler.jobs.recipient import HUMAN, Addressee, Roster, addressee, recipient, session_of
from reconciler.jobs.record import NewJob, Records, RecordUnreadable, home_of, read, read_all
from reconciler.jobs.route import Route, route
from reconciler.jobs.submit import hand_over, opened, watched, written
from reconciler.jobs.validation import conclude, keep_pane, verdict_of
from reconciler.model.delivery import Delivery, Verdict
from reconciler.model.errors import Refused
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line
from reconciler.model.job import Ending, Job
from reconciler.ports.mqtt import connect
from reconciler.ports.world import World
from reconciler.render.document import diagnostic_document
from reconciler.render.door import json_text
from reconciler.render.jobs import (
    dry_run_document,
    happening_text,
    job_row,
    jobs_document,
    validation_document,
    validation_text,
)
from reconciler.render.shape import JobRow
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text

_CODES = {
    Ending.COMPLETED: ExitCode.OK,
    Ending.ERROR: ExitCode.ERROR,
    Ending.CANCELLED: ExitCode.ERROR,
    Ending.TIMEOUT: ExitCode.TIMED_OUT,
    Ending.IDLE_TIMEOUT: ExitCode.SILENT,
}
_SAMPLE = "dry-run"  # stands for the id of a job that is not made


@dataclass(frozen=True, slots=True)
class Manner:
    """How a job is handed over: `patience` is for a busy agent, `detach` leaves the job to `job wait`."""

    patience: Patience
    detach: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Until:
    """How long jobs are waited for: `seconds` at most, and until the `first` of them ends, or all."""

    seconds: float = math.inf
    first: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The project, what is to be seen of it now, and its jobs."""

    at: Project
    seen: Seen
    records: Records

    @property
    def world(self) -> World:
        """All doors, with the tmux server that the agents are on."""
        return self.at.world(self.seen.desired.socket)


def desk(at: Project, registry_dir: str) -> Records:
    """The job records in a folder, which is relative to the project's."""
    folder = os.path.abspath(os.path.join(at.root, os.path.expanduser(registry_dir)))
    fence_records(folder)
    return Records(folder, at.files, at.clock, at.env)


def row_of(records: Records, job: Job) -> JobRow:
    """A job as published."""
    row = job_row(job, audit_folder(job, records.env))
    if found := verdict_of(records, job):
        row["validation"] = validation_document(found.exit_code, found.output)
    return row


def submit(at: Project, records: Records, new: NewJob, manner: Manner) -> int:
    """Hand a job to its agent, and follow it to its end unless it is detached."""
    refuse_copy(at)
    at.clear_up(records.folder, logs_root(at.env, new.workdir))
    scene = Scene(at, look(at, everyone=False), records)
    to = _addressee(scene.seen, new)
    way = route_of(scene)
    session = session_of(to.pane) if to else ""
    addressed = replace(new, agent_session=session, broker=way.publisher, topic_prefix=way.topic_prefix)
    with closing(connect(way.follower)) as bus:
        job, follower = opened(records, addressed, bus)
        _tell(at, [f"registered job: {job.id}"])
        background.begin(at, records) if manner.detach else background.revive(at, records)
        with _explained(at, records, job.id):
            delivery = _delivered(scene, job, to, manner)
            if delivery and not delivery.may_have_arrived:
                return _refused(scene, job.id, as_json=manner.as_json)
            if manner.detach:
                problem = background.hand_on(at, records, follower, job.id, way.follower)
                return _left(scene, job.id, problem, as_json=manner.as_json)
            _follow_and_tell(scene, follower, Until())
    return _finished(scene, job.id, as_json=manner.as_json)


def dry_run(at: Project, records: Records, new: NewJob, *, as_json: bool) -> int:
    """Print what the agent would be told, and make nothing."""
    to = _addressee(look(at, everyone=False), new)
    whom = f"in tmux session {to.pane.session!r}" if to else "on this terminal"
    text = instructions(_SAMPLE, new.prompt, publish_command(_SAMPLE, records.folder, at.env))
    folder = os.path.join(logs_root(at.env, new.workdir), _SAMPLE)
    if as_json:
        session = session_of(to.pane) if to else ""
        _print([json_text(dry_run_document(new.agent, session, text, folder))])
        return ExitCode.OK
    _print([f"[dry-run] would delegate task to running agent {new.agent!r} {whom} with instructions:"])
    _print(["----", *text.splitlines(), "----", folder])
    return ExitCode.OK


def wait(at: Project, records: Records, job_id: str, until: Until, *, as_json: bool) -> int:
    """Follow one job, or all open ones without an id, and finish those that have ended.

    A record that cannot be read may be that of an open job: the others are waited for, and the result is an error.
    """
    jobs, broken = ((read(records, job_id),), ()) if job_id else _open_jobs(records)
    if not jobs and not broken:
        _tell(at, ["No job is open."])
    scene = Scene(at, look(at, everyone=False), records)
    running = [job.id for job in jobs if not job.ended]
    if running and not (until.first and len(running) < len(jobs)):
        with closing(connect(route_of(scene).follower)) as bus, _explained(at, records, *running):
            _follow_and_tell(scene, follow(records, bus, running), until)
    outcomes = [_outcome(scene, job.id) for job in jobs]
    _tell_waited([row for row, _ in outcomes], broken, as_json=as_json)
    tell_broken(records, broken)
    ended = [code for row, code in outcomes if row["result"]]
    codes = ended if until.first and ended else [code for _, code in outcomes]
    return next(filter(None, codes), ExitCode.ERROR if broken else ExitCode.OK)


def _follow_and_tell(scene: Scene, follower: Follower, until: Until) -> None:
    """Follow, and tell each thing as it happens."""
    lookout = lookout_of(scene.at, scene.records)
    for happening in watched(scene.records, follower, until.seconds, first=until.first, lookout=lookout):
        _tell(scene.at, happening_text(happening))


def lookout_of(at: Project, records: Records) -> Lookout:
    """Tells of the permissions that agents ask for and that nobody told of."""
    return Lookout(records, lambda job: agent_of(at, records, job))


def agent_of(at: Project, records: Records, job: Job) -> Agent:
    """The live agent of a job, and the doors to it. Raises Refused for a human, and what `addressee` raises."""
    if job.agent == HUMAN:
        raise Refused("a human has no dialog that could be answered")
    seen = look(at, everyone=False)
    roster = Roster(seen.cases, seen.snapshot.tmux, catalogue(seen.desired.agent_types.values()))
    to = addressee(job.agent, job.agent_session, roster)
    whom = recipient(to, seen.snapshot, at.files, at.caller, home_of(records, job.id))
    return Agent(whom, at.world(seen.desired.socket))


def tell_broken(records: Records, broken: Iterable[RecordUnreadable]) -> None:
    """Say what is wrong with each record that cannot be read."""
    for error in broken:
        for diagnostic in error.diagnostics:
            show(diagnostic_text(diagnostic_document(diagnostic)), sys.stderr, records.env)


def _open_jobs(records: Records) -> tuple[tuple[Job, ...], tuple[RecordUnreadable, ...]]:
    """All jobs that have not ended, and the records of which that cannot be told."""
    jobs, broken = read_all(records)
    return tuple(job for job in jobs if not job.ended), broken


# --- who and how ------------------------------------------------------------------------------


def _addressee(seen: Seen, new: NewJob) -> Addressee | None:
    """The live agent that is meant; None for a human."""
    if new.agent == HUMAN:
        return None
    roster = Roster(seen.cases, seen.snapshot.tmux, catalogue(seen.desired.agent_types.values()))
    return addressee(new.agent, new.agent_session, roster)


def route_of(scene: Scene) -> Route:
    """The way that events take; a public broker is warned of."""
    way = route(broker_of(scene.at, scene.seen.desired), scene.at.env, scene.at.files)
    if is_public(way.follower):
        _tell(scene.at, [f"Warning: {PUBLIC_WARNING}"])
    return way


def _delivered(scene: Scene, job: Job, to: Addressee | None, manner: Manner) -> Delivery | None:
    """What became of the instructions; None for a human, who has them on the terminal, and for a job that has ended."""
    at, records = scene.at, scene.records
    if to is None:
        told = written(records, job).splitlines()
        if manner.as_json:
            _tell(at, told)
        else:
            _print(told)
        return None
    whom = recipient(to, scene.seen.snapshot, at.files, at.caller, home_of(records, job.id))
    delivery = hand_over(records, job, whom, scene.world, manner.patience)
    facts = (
        (delivery.verdict, delivery.evidence, delivery.detail) if delivery else ("the job has ended: nothing typed",)
    )
    _tell(at, [f"{job.id}  delivery to {to.pane.session}: {one_line(', '.join(filter(None, facts)))}"])
    return delivery


# --- what became of it ------------------------------------------------------------------------


def _refused(scene: Scene, job_id: str, *, as_json: bool) -> int:
    """A job whose prompt did not arrive, and that has ended with that."""
    job = read(scene.records, job_id)
    keep_pane(scene.records, job, scene.world.tmux)
    _tell_job(row_of(scene.records, job), as_json=as_json)
    return ExitCode.REFUSED


def _left(scene: Scene, job_id: str, problem: str, *, as_json: bool) -> int:
    """A job that is detached; `problem` is why nobody follows it in the background."""
    job = read(scene.records, job_id)
    if job.ended:
        return _finished(scene, job_id, as_json=as_json)
    _tell_job(row_of(scene.records, job), as_json=as_json)
    _tell(scene.at, [f"Warning: {problem}"] if problem else [])
    _tell(scene.at, [f"Wait for it with: {_follow_command(scene.records, job_id)}"])
    return ExitCode.PARTIAL if problem or _is_unverified(job) else ExitCode.OK


def _is_unverified(job: Job) -> bool:
    return job.delivery is not None and job.delivery.get("verdict") == Verdict.UNVERIFIED


def _finished(scene: Scene, job_id: str, *, as_json: bool) -> int:
    row, code = _outcome(scene, job_id)
    _tell_job(row, as_json=as_json)
    return code


def _outcome(scene: Scene, job_id: str) -> tuple[JobRow, int]:
    """A job as published, its audit complete when it has ended, and the exit code that it means."""
    job = read(scene.records, job_id)
    if job.ended:
        _tell(scene.at, [f"running validation: {job.validate}"] if job.validate and job.validated is None else [])
        conclude(scene.records, job_id, scene.world.tmux)
        job = read(scene.records, job_id)
    return row_of(scene.records, job), _code(job)


def _code(job: Job) -> int:
    """What has become of a job, for a script; one that is still open was not waited for long enough."""
    if job.result is None:
        return ExitCode.TIMED_OUT
    if job.result.ending is Ending.ERROR and job.refused:
        return ExitCode.REFUSED
    return _CODES[job.result.ending] or (ExitCode.ERROR if job.validated else ExitCode.OK)


def _tell_waited(rows: Iterable[JobRow], broken: Iterable[RecordUnreadable], *, as_json: bool) -> None:
    if as_json:
        _print([json_text(jobs_document(rows, [each for error in broken for each in error.diagnostics]))])
        return
    for row in rows:
        _tell_job(row, as_json=False)


def _tell_job(row: JobRow, *, as_json: bool) -> None:
    """The result; the last line is the audit folder."""
    if as_json:
        _print([json_text(row)])
        return
    detail = row["result"]["detail"] if row["result"] else ""
    _print([f"{row['id']}  {row['status']}{': ' if detail else ''}{one_line(detail)}"])
    if validation := row.get("validation"):
        _print(validation_text("validation", validation["exit_code"], validation["output"]))
    _print([row["audit"]])


@contextmanager
def _explained(at: Project, records: Records, *job_ids: str) -> Iterator[None]:
    """Whoever interrupts the block learns that the jobs go on."""
    try:
        yield
    except KeyboardInterrupt:
        goes = "The job goes on" if len(job_ids) == 1 else "The jobs go on"
        _tell(at, ["", f"{goes}. Follow again with:", *(f"  {_follow_command(records, each)}" for each in job_ids)])
        raise


def _follow_command(records: Records, job_id: str) -> str:
    return f"reconciler job wait --job {job_id} --registry-dir {records.folder}"


def _print(lines: Iterable[str]) -> None:
    show(lines, sys.stdout, {"NO_COLOR": "1"})
    sys.stdout.flush()


def _tell(at: Project, lines: Iterable[str]) -> None:
    show(lines, sys.stderr, at.env)
    sys.stderr.flush()

"""Read and write job records: one file per job in the registry folder, mode 0600, written by many processes.

Beside `<id>.json` there is a folder `<id>`: it is what a writer locks, and it holds the outbox, and the events that go
through files.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.harmless import one_line
from reconciler.model.job import JOB_ID, TOPIC_PREFIX, Job, topic_of
from reconciler.model.moment import to_millisecond
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.record import Json
from reconciler.model.redacted import Redacted
from reconciler.ports import lockfile
from reconciler.ports.world import Clock, Files
from reconciler.state.schemas import schema_mistake

from .older import RecordFile
from .reading import Recorded, RecordUnreadable, merged, recorded

_LARGEST = 1 << 25


class UnknownJob(ReconcilerError):
    """There is no record with this id."""


class Records(Redacted, frozen=True):
    """The registry folder of the jobs, and the ports to use it."""

    folder: str
    """Absolute path; from `--registry-dir`, by default .mam/jobs."""
    files: Files
    clock: Clock
    env: Mapping[str, str] = field(default_factory=dict)
    """The environment that has the settings of the brokers and of the audit folder."""
    workdir: str = ""
    """The project's folder, for records without one; empty for the parent of `folder`."""
    follower: str = ".follower"
    """The folder in `folder` of the process that follows jobs in the background; see `jobs.background`."""


class NewJob(Struct, frozen=True):
    """The request for a new job."""

    prompt: str
    agent: str
    agent_session: str
    workdir: str
    timeout: float = 3600
    idle_timeout: float = 120
    validate: str = ""
    broker: Mapping[str, Json] = field(default_factory=dict)
    """As in `Job`, with absolute paths, and with a reference in place of the password."""
    topic_prefix: str = TOPIC_PREFIX
    retry_of: str = ""
    retries: int = 0
    queue: str = ""
    """As in `Job`."""


def create(records: Records, new: NewJob) -> Job:
    """Create a record. Its id sorts by time and cannot be guessed; its token has 32 random bytes.

    Raises:
        UsageError: The broker settings contain a password.
        ReconcilerError: The record would not be valid, or cannot be written.
    """
    return add(records, minted(new, records.clock))


def add(records: Records, job: Job) -> Job:
    """Write the first record of a job. Raises ReconcilerError if it would not be valid, or cannot be written."""
    records.files.make_folder(records.folder, 0o700)
    expect_ours(records)
    records.files.make_folder(os.path.join(records.folder, job.id), 0o700)
    return write(records, job)


def read(records: Records, job_id: str) -> Job:
    """Read a job from its record; also from one that the original scripts wrote.

    Raises:
        UnknownJob: The job has no record.
        RecordUnreadable: The record is broken.
    """
    return look(records, job_id).job


def look(records: Records, job_id: str) -> Recorded:
    """Read a job, and what was assumed about it. Raises what `read` raises."""
    return recorded(_file(records, job_id), _text(records, job_id))


def read_all(records: Records) -> tuple[tuple[Job, ...], tuple[RecordUnreadable, ...]]:
    """Read all jobs, oldest first, and return an error for each record that cannot be read."""
    found, broken = look_at_all(records)
    return tuple(each.job for each in found), broken


def look_at_all(records: Records) -> tuple[tuple[Recorded, ...], tuple[RecordUnreadable, ...]]:
    """Like `read_all`, with what was assumed about each job."""
    found: list[Recorded] = []
    broken: list[RecordUnreadable] = []
    for name in _names(records):
        try:
            found.append(look(records, _expected_id(records, name)))
        except RecordUnreadable as error:
            broken.append(error)
    return tuple(found), tuple(broken)


def expect_ours(records: Records, name: str = "") -> None:
    """Check that only this user can write to the folder, and to `name` in it.

    This protects the user: a record names a script that reconciler runs.

    Raises:
        Refused: The folder belongs to another user, or other users may write to it.
    """
    folder = os.path.join(records.folder, name)
    if why := records.files.distrust(records.folder) or (records.files.distrust_all(folder) if name else ""):
        raise Refused(
            f"job records are not used: {why}",
            detail="other users could make reconciler run any program",
            fix=f"use a folder of your own (--registry-dir DIR), or let only your user write to {folder.rstrip('/')}",
        )


def job_ids(records: Records) -> list[str]:
    """The ids of all records, oldest first.

    Raises:
        Refused: Other users may write to the folder.
        ReconcilerError: The folder cannot be listed.
    """
    return [name for name in _names(records) if JOB_ID.fullmatch(name)]


def _names(records: Records) -> list[str]:
    """The names of all records, oldest first, including names that are not valid ids."""
    expect_ours(records)
    match records.files.find(os.path.join(glob.escape(records.folder), "*.json")):
        case Present(paths):
            return [os.path.basename(path).removesuffix(".json") for path in paths]
        case Unknown(reason):
            raise ReconcilerError(f"the jobs cannot be listed: {reason}")
        case Absent():
            return []


def _expected_id(records: Records, name: str) -> str:
    if JOB_ID.fullmatch(name):
        return name
    path = os.path.join(records.folder, f"{name}.json")
    raise RecordUnreadable(
        f"{one_line(path)} is not used: its name is not a job id",
        fix="rename it with letters, digits, dashes and underscores only, or move it to another folder",
    )


def update(records: Records, job_id: str, change: Callable[[Job], Job | None]) -> Job:
    """Change a job and return it. `change` gets the current job, and returns None to leave it unchanged.

    Raises what `read` and `write` raise.
    """
    with locked(records, job_id):
        found = look(records, job_id)
        changed = change(found.job)
        return write(records, changed, found) if changed and changed != found.job else found.job


@contextmanager
def locked(records: Records, job_id: str) -> Iterator[None]:
    """Lock the record, so that one process at a time reads and then writes it. The lock cannot be taken twice.

    Raises UnknownJob when there is no record.
    """
    if stamp_of(records, job_id) is None:
        raise _unknown(records, job_id)
    with lockfile.one_at_a_time(home_of(records, job_id)):
        yield


def write(records: Records, job: Job, before: Recorded | None = None) -> Job:
    """Write the job with a new `updated_at`, and return it; keys of other tools stay.

    `before` is the record, if the caller has read it since it took the lock.

    Raises:
        ReconcilerError: The record would not be valid, or cannot be written; the old one is unchanged.
    """
    path = path_of(records, job.id)
    stamped = replace(job, updated_at=to_millisecond(records.clock.now()))
    if before is None and not isinstance(records.files.facts(path), Absent):
        before = look(records, job.id)
    _check(stamped, path, any_token=before is not None and before.is_older)
    data = to_builtins(stamped) if before is None else merged(_file(records, job.id), before, stamped)
    records.files.write(path, json.dumps(data, indent=2).encode() + b"\n", 0o600)
    return stamped


def path_of(records: Records, job_id: str) -> str:
    """The path of a job's record.

    Raises:
        UsageError: `job_id` is not a valid id.
    """
    if not JOB_ID.fullmatch(job_id):
        raise UsageError(f"not a job id: {job_id}", fix="list the ids: reconciler job list")
    return os.path.join(records.folder, f"{job_id}.json")


def stamp_of(records: Records, job_id: str) -> tuple[int, int] | None:
    """A value that changes with each write of the record; None without a record. Much cheaper than reading it."""
    try:
        status = os.stat(path_of(records, job_id))
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def home_of(records: Records, job_id: str) -> str:
    """The path of a job's folder, which is beside its record."""
    return path_of(records, job_id).removesuffix(".json")


def minted(new: NewJob, clock: Clock) -> Job:
    """The job with a new id and a new token; nothing is written. Raises UsageError as `create`."""
    if new.broker.get("password"):
        raise UsageError(
            "a job record must not contain the broker's password",
            fix="use password_file or password_env, which say where the password is",
        )
    now = clock.now()
    job_id = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}-{os.urandom(8).hex()}"
    return Job(
        id=job_id,
        prompt=new.prompt,
        agent=new.agent,
        agent_session=new.agent_session,
        workdir=new.workdir,
        timeout=new.timeout,
        idle_timeout=new.idle_timeout,
        created_at=to_millisecond(now),
        updated_at=to_millisecond(now),
        topic=topic_of(job_id, new.topic_prefix),
        auth_token=os.urandom(32).hex(),
        validate=new.validate,
        broker=new.broker,
        retry_of=new.retry_of,
        retries=new.retries,
        queue=new.queue,
    )


def _text(records: Records, job_id: str) -> bytes:
    path = path_of(records, job_id)
    expect_ours(records)
    if why := records.files.distrust(path) or records.files.distrust_all(home_of(records, job_id)):
        raise RecordUnreadable(
            f"the record of job {job_id} is not used: {why}", fix="delete it if you did not create it"
        )
    match records.files.read(path, _LARGEST):
        case Present(text):
            return text
        case Absent():
            raise _unknown(records, job_id)
        case Unknown(reason):
            raise RecordUnreadable(f"the record of job {job_id} cannot be read: {reason}")


def _file(records: Records, job_id: str) -> RecordFile:
    path = path_of(records, job_id)
    facts = records.files.facts(path)
    changed = facts.value[0] if isinstance(facts, Present) else 0.0
    return RecordFile(job_id, path, records.workdir or os.path.dirname(records.folder), changed)


def _unknown(records: Records, job_id: str) -> UnknownJob:
    path = path_of(records, job_id)
    return UnknownJob(
        f"no job has the id {job_id}", detail=f"{path} does not exist", fix="list all jobs: reconciler job list"
    )


def _check(job: Job, path: str, *, any_token: bool) -> None:
    """Check the job against the schema. `any_token` skips the token: the original scripts used other forms."""
    meant = replace(job, auth_token="0" * 64) if any_token else job
    if mistake := schema_mistake("job", to_builtins(meant)):
        raise ReconcilerError(f"the job record would not be valid: {mistake.where or 'its keys'}", fix=f"check {path}")

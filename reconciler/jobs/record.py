"""Job records: one file a job in the registry folder, readable by its owner alone; many processes write them.

Beside `<id>.json` there is a folder `<id>`: it is what a writer locks, and it holds the outbox, and the events that go
through files.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

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
from reconciler.state.schemas import load_schema

from .older import RecordFile
from .reading import Recorded, RecordUnreadable, is_of_others, merged, recorded

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

_LARGEST = 1 << 25


class UnknownJob(ReconcilerError):
    """No record has this id."""


class Records(Redacted, frozen=True):
    """The registry folder (`--registry-dir`, by default .mam/jobs), absolute, and the doors that lead to it.

    `env` is the environment in which the brokers' settings and the audit folder are looked up. `workdir` is the
    project's folder, for records that name none; empty for the one that `folder` is in.
    """

    folder: str
    files: Files
    clock: Clock
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""


class NewJob(Struct, frozen=True):
    """What somebody wants done.

    `broker` is as in `Job`, with absolute paths, and with a reference in place of the password.
    """

    prompt: str
    agent: str
    agent_session: str
    workdir: str
    timeout: float = 3600
    idle_timeout: float = 120
    validate: str = ""
    broker: Mapping[str, Json] = field(default_factory=dict)
    topic_prefix: str = TOPIC_PREFIX
    retry_of: str = ""
    retries: int = 0


def create(records: Records, new: NewJob) -> Job:
    """A new record, with an id that sorts by time and that nobody can guess, and a token of 32 random bytes.

    Raises:
        UsageError: A password is to be written into it.
        ReconcilerError: It would not be valid, or cannot be written.
    """
    if new.broker.get("password"):
        raise UsageError(
            "a job record never gets the broker's password itself",
            fix="name where it is: password_file or password_env",
        )
    job = _minted(new, records.clock)
    records.files.make_folder(records.folder, 0o700)
    expect_ours(records)
    records.files.make_folder(os.path.join(records.folder, job.id), 0o700)
    return write(records, job)


def read(records: Records, job_id: str) -> Job:
    """The job as it is recorded, also by the original scripts.

    Raises:
        UnknownJob: There is no such record.
        RecordUnreadable: It is broken.
    """
    return look(records, job_id).job


def look(records: Records, job_id: str) -> Recorded:
    """The job, and what was assumed of it. Raises what `read` raises."""
    return recorded(_file(records, job_id), _text(records, job_id))


def read_all(records: Records) -> tuple[tuple[Job, ...], tuple[RecordUnreadable, ...]]:
    """Every job, the oldest first, and what is wrong with the records that cannot be read."""
    found, broken = look_at_all(records)
    return tuple(each.job for each in found), broken


def look_at_all(records: Records) -> tuple[tuple[Recorded, ...], tuple[RecordUnreadable, ...]]:
    """As `read_all`, with what was assumed of each job."""
    found: list[Recorded] = []
    broken: list[RecordUnreadable] = []
    for name in _names(records):
        try:
            found.append(look(records, _expected_id(records, name)))
        except RecordUnreadable as error:
            broken.append(error)
    return tuple(found), tuple(broken)


def expect_ours(records: Records, name: str = "") -> None:
    """See that nobody else can have put a record into the folder, or anything into `name` in it.

    A record names a script that we run.

    Raises:
        Refused: It belongs to another user, or others may write it.
    """
    folder = os.path.join(records.folder, name)
    if why := records.files.distrust(records.folder) or (records.files.distrust_all(folder) if name else ""):
        raise Refused(
            f"job records are not used: {why}",
            detail="whoever writes there could have us run any program",
            fix=f"use a folder of your own: --registry-dir DIR, or make {folder.rstrip('/')} yours alone",
        )


def job_ids(records: Records) -> list[str]:
    """The ids of all records, the oldest first.

    Raises:
        Refused: Others may write the folder.
        ReconcilerError: They cannot be listed.
    """
    return [name for name in _names(records) if JOB_ID.fullmatch(name)]


def _names(records: Records) -> list[str]:
    """What the records are called, the oldest first, whether that is an id or not."""
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
        fix="give it a name of letters, digits, dashes and underscores, or move it elsewhere",
    )


def update(records: Records, job_id: str, change: Callable[[Job], Job | None]) -> Job:
    """The job after the change, which sees it as it is now; None leaves it alone.

    Raises what `read` and `write` raise.
    """
    with locked(records, job_id):
        job = read(records, job_id)
        changed = change(job)
        return write(records, changed) if changed and changed != job else job


@contextmanager
def locked(records: Records, job_id: str) -> Iterator[None]:
    """Let one process at a time read and then write the record; whoever holds it must not take it again.

    Raises UnknownJob when there is no record.
    """
    if stamp_of(records, job_id) is None:
        raise _unknown(records, job_id)
    with lockfile.one_at_a_time(home_of(records, job_id)):
        yield


def write(records: Records, job: Job) -> Job:
    """The job as it is now recorded, with a new `updated_at`; keys of other tools stay.

    Raises:
        ReconcilerError: It would not be valid, or cannot be written; the old record is untouched.
    """
    path = path_of(records, job.id)
    stamped = replace(job, updated_at=to_millisecond(records.clock.now()))
    is_new = isinstance(records.files.facts(path), Absent)
    before = None if is_new else _text(records, job.id)
    _check(stamped, path, any_token=before is not None and is_of_others(before))
    data = to_builtins(stamped) if before is None else merged(_file(records, job.id), before, stamped)
    records.files.write(path, json.dumps(data, indent=2).encode() + b"\n", 0o600)
    return stamped


def path_of(records: Records, job_id: str) -> str:
    """Where the record of a job is.

    Raises:
        UsageError: That is no id.
    """
    if not JOB_ID.fullmatch(job_id):
        raise UsageError(f"not a job id: {job_id}", fix="reconciler job list")
    return os.path.join(records.folder, f"{job_id}.json")


def stamp_of(records: Records, job_id: str) -> tuple[int, int] | None:
    """What is another with every write of the record; None without one. Far cheaper than reading it."""
    try:
        status = os.stat(path_of(records, job_id))
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def home_of(records: Records, job_id: str) -> str:
    """The folder of a job, beside its record."""
    return path_of(records, job_id).removesuffix(".json")


def _minted(new: NewJob, clock: Clock) -> Job:
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
    )


def _text(records: Records, job_id: str) -> bytes:
    path = path_of(records, job_id)
    expect_ours(records)
    if why := records.files.distrust(path) or records.files.distrust_all(home_of(records, job_id)):
        raise RecordUnreadable(f"the record of job {job_id} is not used: {why}", fix="delete it if it is not yours")
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
    return UnknownJob(f"no job has the id {job_id}", detail=f"there is no {path}", fix="reconciler job list")


def _check(job: Job, path: str, *, any_token: bool) -> None:
    """See that the job is what the schema describes; the original scripts made tokens as they liked."""
    meant = replace(job, auth_token="0" * 64) if any_token else job
    error = next(_validator().iter_errors(to_builtins(meant)), None)
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "its keys"
        raise ReconcilerError(f"the job record would not be valid: {where}", fix=f"look into {path}")


@cache
def _validator() -> Draft7Validator:
    from jsonschema import Draft7Validator  # noqa: PLC0415 - who only reads need not wait for it

    return Draft7Validator(cast(Any, load_schema("job")))

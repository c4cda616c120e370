"""The state of the background follower: one process that follows all jobs of a folder until none is open.

While it runs, `.follower/state.json` in that folder says which process it is and what it follows. It deletes the file
when it ends. A file without its process means that it was killed; the file says how to start the next one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.broker import NATS, EventWay, Spool, is_local
from reconciler.model.job import Job
from reconciler.model.observed import Present
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.ports import lockfile
from reconciler.ports.world import Processes

from .follow import Follower
from .reading import RecordUnreadable
from .record import Records, UnknownJob, job_ids, read
from .record import expect_ours as _expect_ours

QUEUE = ".follower-queue"
"""The folder of the process that follows jobs over a NATS server; another one follows those of a broker."""
_LOCAL = "this machine"


class Background(Struct, frozen=True):
    """What a follower says of itself: `started` is in clock ticks since the boot `boot`.

    `broker` is HOST:PORT, or `this machine` where events go through files. `root` and `registry` are the project that
    it was started for, `records` the folder of the jobs: in a copy of that folder, it says nothing.
    """

    pid: int
    started: int
    """Start of the process in clock ticks since the boot."""
    boot: str
    """Id of the boot: pids repeat after a restart of the machine."""
    broker: str
    """HOST:PORT."""
    root: str
    """The project that it was started for."""
    registry: str
    jobs: tuple[str, ...] = ()
    records: str = ""
    """The folder of the jobs. In a copy of the folder it does not match, and the state does not count."""


def folder_of(records: Records) -> str:
    """The folder with the follower's state, log and lock."""
    return os.path.join(records.folder, records.follower)


def log_of(records: Records) -> str:
    """The file that gets the follower's output."""
    return os.path.join(folder_of(records), "log")


def for_queue(records: Records) -> Records:
    """The same records, for the process that follows them over a NATS server."""
    return replace(records, follower=QUEUE)


def follower_of(records: Records, job: Job) -> Records:
    """The same records, for the process that follows this job."""
    return for_queue(records) if NATS in job.broker else records


def myself(address: str, root: str, registry: str, processes: Processes) -> Background:
    """This process as the follower."""
    started = processes.started(os.getpid())
    ticks = started.value if isinstance(started, Present) else 0
    return Background(
        pid=os.getpid(),
        started=ticks,
        boot=lockfile.current_namespace().boot,
        broker=address,
        root=root,
        registry=registry,
    )


def address_of(way: EventWay) -> str:
    """A broker, as a follower names it; or the files of this machine."""
    return _LOCAL if isinstance(way, Spool) else f"{way.host}:{way.port}"


def note(records: Records, state: Background) -> None:
    """Write what the follower follows now. Raises ReconcilerError when it cannot be written."""
    records.files.make_folder(folder_of(records), 0o700)
    placed = replace(state, records=records.files.real(records.folder))
    records.files.write(_state(records), json.dumps(to_builtins(placed)).encode(), 0o600)


def leave(records: Records) -> None:
    """Delete the state: no background process follows these jobs any more."""
    records.files.delete(_state(records), records.folder)


def expect_ours(records: Records) -> None:
    """Check that only this user can write the follower's files. Raises Refused."""
    _expect_ours(records, records.follower)


def noted_follower(records: Records) -> Background | None:
    """The state of the last follower; None when it ended normally, never ran, or belongs to another user."""
    if any(map(records.files.distrust, (records.folder, folder_of(records), _state(records)))):
        return None
    found = records.files.read(_state(records))
    if not isinstance(found, Present):
        return None
    with suppress(ValueError):
        state = shaped(Background, read_json(found.value))
        return state if state.records in {"", records.files.real(records.folder)} else None
    return None


def lives(state: Background | None, processes: Processes) -> bool:
    """Whether the follower is still running: the same process, since the same boot."""
    if state is None or state.boot != lockfile.current_namespace().boot:
        return False
    return processes.started(state.pid) == Present(state.started)


def take_up(records: Records, follower: Follower, broker: str, known: set[str]) -> None:
    """Follow each open job of this broker that is not in `known`, and add its id to `known`.

    Raises:
        BusRefused, BusUnreachable: A subscription failed; the next call tries the job again.
    """
    for job_id in job_ids(records):
        if job_id in known:
            continue
        with suppress(UnknownJob, RecordUnreadable):  # `job list` reports broken records
            job = read(records, job_id)
            if is_for(job, broker):
                follower.add(job_id)
        known.add(job_id)


def is_for(job: Job, broker: str) -> bool:
    """Whether it is an open job whose events go to this broker."""
    return not job.ended and broker == where_heard(job)


def where_heard(job: Job) -> str:
    """Where the events of a job are heard, as a follower names it."""
    if NATS in job.broker:
        return str(job.broker[NATS])
    return _LOCAL if is_local(job.broker) else f"{job.broker.get('host')}:{job.broker.get('port')}"


def waits(records: Records, broker: str) -> bool:
    """Whether any job is open at this broker."""
    for job_id in job_ids(records):
        with suppress(UnknownJob, RecordUnreadable):
            if is_for(read(records, job_id), broker):
                return True
    return False


def _state(records: Records) -> str:
    return os.path.join(folder_of(records), "state.json")

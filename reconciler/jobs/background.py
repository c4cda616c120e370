"""The follower in the background: one process for all jobs of a folder, as long as one of them is open.

While it runs, `.follower/state.json` in that folder says which process it is and what it follows; it takes the file
away when it ends. A state without its process tells that it was killed, and how to start another one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.broker import EventWay, Spool, is_local
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

_FOLDER = ".follower"
_LOCAL = "this machine"


class Background(Struct, frozen=True):
    """What a follower says of itself: `started` is in clock ticks since the boot `boot`.

    `broker` is HOST:PORT, or `this machine` where events go through files. `root` and `registry` are the project that
    it was started for, `records` the folder of the jobs: in a copy of that folder, it says nothing.
    """

    pid: int
    started: int
    boot: str
    broker: str
    root: str
    registry: str
    jobs: tuple[str, ...] = ()
    records: str = ""


def folder_of(records: Records) -> str:
    """Where the follower has its state, its log and its lock."""
    return os.path.join(records.folder, _FOLDER)


def log_of(records: Records) -> str:
    """What the follower prints."""
    return os.path.join(folder_of(records), "log")


def myself(way: EventWay, root: str, registry: str, processes: Processes) -> Background:
    """This process as the follower."""
    started = processes.started(os.getpid())
    ticks = started.value if isinstance(started, Present) else 0
    return Background(
        pid=os.getpid(),
        started=ticks,
        boot=lockfile.current_namespace().boot,
        broker=address_of(way),
        root=root,
        registry=registry,
    )


def address_of(way: EventWay) -> str:
    """A broker, as a follower names it; or the files of this machine."""
    return _LOCAL if isinstance(way, Spool) else f"{way.host}:{way.port}"


def note(records: Records, state: Background) -> None:
    """Say what is followed now. Raises ReconcilerError when it cannot be written."""
    records.files.make_folder(folder_of(records), 0o700)
    placed = replace(state, records=records.files.real(records.folder))
    records.files.write(_state(records), json.dumps(to_builtins(placed)).encode(), 0o600)


def leave(records: Records) -> None:
    """Say that nobody follows in the background any more."""
    records.files.delete(_state(records), records.folder)


def expect_ours(records: Records) -> None:
    """See that what the follower has there is ours alone. Raises Refused."""
    _expect_ours(records, _FOLDER)


def noted_follower(records: Records) -> Background | None:
    """What the last follower said of itself; None when it ended by itself, or never was, or was another user's."""
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
    """Whether it is still that very process."""
    if state is None or state.boot != lockfile.current_namespace().boot:
        return False
    return processes.started(state.pid) == Present(state.started)


def take_up(records: Records, follower: Follower, broker: str, known: set[str]) -> None:
    """Follow every open job of this broker that is not `known` yet.

    Raises:
        BusRefused, BusUnreachable: It cannot be subscribed to; it is tried again.
    """
    for job_id in job_ids(records):
        if job_id in known:
            continue
        with suppress(UnknownJob, RecordUnreadable):  # whoever lists the jobs is told
            job = read(records, job_id)
            if is_for(job, broker):
                follower.add(job_id)
        known.add(job_id)


def is_for(job: Job, broker: str) -> bool:
    """Whether it is an open job whose events go to this broker."""
    where = _LOCAL if is_local(job.broker) else f"{job.broker.get('host')}:{job.broker.get('port')}"
    return not job.ended and broker == where


def waits(records: Records, broker: str) -> bool:
    """Whether there is any such job."""
    for job_id in job_ids(records):
        with suppress(UnknownJob, RecordUnreadable):
            if is_for(read(records, job_id), broker):
                return True
    return False


def _state(records: Records) -> str:
    return os.path.join(folder_of(records), "state.json")

"""Change a job; each change also writes a line to the audit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.model.job import (
    TOKEN_HIDDEN,
    Accepted,
    Dropped,
    DropReason,
    Happening,
    Ignored,
    Job,
    JobEvent,
    JobStatus,
    Result,
    after_end,
    after_event,
    has_event,
    with_event_seen,
    with_status,
)
from reconciler.model.moment import to_millisecond
from reconciler.model.record import Json
from reconciler.model.secrets import data_without_token

from .audit import AuditFile, append_events, audit_folder, keep, keep_record
from .record import NewJob, Records, add, create, locked, look, stamp_of, update, write

_Entry: TypeAlias = Mapping[str, Json]


class Transition(Struct, frozen=True):
    """The effect of received events on a job."""

    job: Job
    """The job afterwards."""
    happenings: tuple[Happening, ...] = ()
    entries: tuple[_Entry, ...] = ()
    """The lines for the audit."""
    stamp: tuple[int, int] | None = None
    """The `stamp_of` the record as this transition wrote it; None when it wrote nothing."""


def open_job(records: Records, new: NewJob) -> Job:
    """Create a job with its record and audit folder. Raises what `create` raises."""
    return _opened(records, create(records, new))


def open_record(records: Records, job: Job) -> Job:
    """The same for a job that already has its id and its token. Raises what `add` raises."""
    return _opened(records, add(records, job))


def _opened(records: Records, job: Job) -> Job:
    _keep(records, job, AuditFile.PROMPT, job.prompt)
    _audit(records, job, [{"what": "created"}])
    _keep_record(records, job)
    return job


def note_delivery(records: Records, job_id: str, delivery: Mapping[str, Json], *, delivered: bool) -> Job:
    """Record the result of a delivery, and return the job. A job that is already running stays running.

    Raises what `update` raises, and ReconcilerError when the audit cannot be written.
    """

    def noted(job: Job) -> Job:
        moved = with_status(job, JobStatus.DELIVERED) if delivered else None
        return replace(moved or job, delivery=_without_token(job, delivery))

    job = update(records, job_id, noted)
    _audit(records, job, [{"what": "delivery", "delivery": job.delivery}])
    _keep(records, job, AuditFile.DELIVERY, json.dumps(job.delivery, indent=2) + "\n")
    _keep_record(records, job)
    return job


def end_job(records: Records, job_id: str, result: Result, *, quiet_since: str = "") -> Job:
    """End a job with this result, and return it. A job that has already ended keeps its result.

    `quiet_since` is the `updated_at` that the caller knows: a job with a later sign of life is not ended.
    The audit is written before the record, as in `record_heard`.
    Raises what `update` raises, and ReconcilerError when the audit cannot be written.
    """
    with locked(records, job_id):
        found = look(records, job_id)
        job = found.job
        harmless = _harmless(job, result)
        ended = after_end(job, harmless) if quiet_since in {"", job.updated_at} else None
        if ended is None:
            return job
        _audit(records, ended, [{"what": "ended", **to_builtins(harmless)}])
        job = write(records, ended, found)
    _keep_record(records, job)
    return job


def record_heard(records: Records, job_id: str, verdicts: Iterable[JobEvent | DropReason]) -> Transition:
    """Record all events that a follower received for a job. Events that another follower recorded are skipped.

    The audit is written before the record, so that a crash between the two loses nothing.
    """
    with locked(records, job_id):
        found = look(records, job_id)
        judged = judge(found.job, verdicts)
        _audit(records, judged.job, judged.entries)
        if judged.job == found.job:
            return judged
        written = write(records, judged.job, found)
        stamp = stamp_of(records, job_id)
    if written.ended:
        _keep_record(records, written)
    return replace(judged, job=written, stamp=stamp)


def judge(job: Job, verdicts: Iterable[JobEvent | DropReason]) -> Transition:
    """Compute the effect of received events. Removes the token from details: an agent may have put it there. Pure."""
    happenings: list[Happening] = []
    entries: list[_Entry] = []
    for verdict in verdicts:
        if isinstance(verdict, DropReason):
            happenings.append(Dropped(job.id, verdict))
            entries.append({"what": "dropped", "status": job.status, "reason": verdict})
            continue
        event = replace(verdict, detail=job.without_token(verdict.detail))
        if has_event(job, event):
            happenings.append(Accepted(job, event))
        else:
            noted = with_event_seen(job, event)
            moved = after_event(noted, event)
            job = moved or noted
            happenings.append(Accepted(job, event) if moved else Ignored(job, event))
            entries.append({"what": "accepted" if moved else "ignored", "status": job.status, **to_builtins(event)})
    return Transition(job, tuple(happenings), tuple(entries))


def _harmless(job: Job, result: Result) -> Result:
    return replace(result, detail=job.without_token(result.detail))


def _without_token(job: Job, content: Mapping[str, Json]) -> Mapping[str, Json]:
    return cast(Mapping[str, Json], data_without_token(content, job.auth_token, TOKEN_HIDDEN))


def _audit(records: Records, job: Job, entries: Iterable[_Entry]) -> None:
    at = to_millisecond(records.clock.now())
    append_events(audit_folder(job, records.env), [{"at": at, "status": job.status, **entry} for entry in entries])


def _keep(records: Records, job: Job, file: AuditFile, text: str) -> None:
    keep(audit_folder(job, records.env), file, text, records.files, to_millisecond(records.clock.now()))


def _keep_record(records: Records, job: Job) -> None:
    keep_record(audit_folder(job, records.env), job, records.files, to_millisecond(records.clock.now()))

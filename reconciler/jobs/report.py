"""What a CLI's own hooks tell, as events of the job that its session works on.

Which job that is, the prompt tells: the instructions of a job hold its id, which nobody can guess. The session
of the CLI is remembered then, and what its hooks tell later is about that job, until the job has ended.
A turn that ends is progress and no more: whether the job is done, only its agent can say.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256

from msgspec import Struct

from reconciler.agents.hooks import Hooks, Payload
from reconciler.agents.jsonl import text
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Job
from reconciler.model.observed import Present

from .publish import Publication, publish
from .record import Records, UnknownJob, read

_JOB_ID = re.compile(r"\b\d{8}T\d{9}-[0-9a-f]{16}\b")  # as `create` mints them
_SESSIONS = ".sessions"  # beside the records, and not the id of a job


class HookInput(Struct, frozen=True):
    """What a hook was given to read, and the tmux session that it runs in, empty where that is not known."""

    payload: Payload
    session: str


def report(records: Records, hooks: Hooks, told: HookInput) -> Publication | None:
    """Publish the event that follows from what a hook was told; None when none does.

    Raises what `publish` raises.
    """
    kind = hooks.events.get(text(told.payload, "hook_event_name"))
    detail = _detail(kind, hooks, told.payload)
    if kind is None or not detail:
        return None
    job = _taken(records, told) if kind is EventKind.STARTED else _remembered(records, told.payload)
    return publish(records, job.id, kind, detail) if job else None


def _detail(kind: EventKind | None, hooks: Hooks, payload: Payload) -> str:
    match kind:
        case EventKind.STARTED:
            return "prompt taken"
        case EventKind.PERMISSION_REQUIRED:
            return hooks.request(payload)
        case _:
            return "turn ended"


def _taken(records: Records, told: HookInput) -> Job | None:
    """The open job of this very agent whose id stands in its prompt; from now on its session is known by that."""
    for job_id in dict.fromkeys(_JOB_ID.findall(text(told.payload, "prompt"))):
        job = _open(records, job_id)
        if job and _is_for(job, told):
            path = _note(records, told.payload)
            records.files.make_folder(os.path.dirname(path), 0o700)
            records.files.write(path, job.id.encode(), 0o600)
            return job
    return None


def _is_for(job: Job, told: HookInput) -> bool:
    """Others may talk about the job, too."""
    if told.session:
        return job.agent_session == f"tmux:{told.session}"
    return os.path.realpath(job.workdir) == os.path.realpath(text(told.payload, "cwd"))


def _remembered(records: Records, payload: Payload) -> Job | None:
    path = _note(records, payload)
    note = records.files.read(path)
    if not isinstance(note, Present):
        return None
    job = _open(records, note.value.decode())
    if job is None:
        records.files.delete(path, os.path.dirname(path))
    return job


def _open(records: Records, job_id: str) -> Job | None:
    try:
        job = read(records, job_id)
    except UnknownJob:
        return None
    return None if job.ended else job


def _note(records: Records, payload: Payload) -> str:
    """The file that names the job of a CLI's session."""
    name = sha256(text(payload, "session_id").encode(errors="replace")).hexdigest()
    return os.path.join(records.folder, _SESSIONS, name)

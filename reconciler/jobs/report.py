"""Turn reports of a CLI's hooks into events of the job that its session works on.

The prompt says which job that is: the instructions of a job have its id, which cannot be guessed. From then on, reports
from the same CLI session belong to that job, until the job has ended. The end of a turn is only progress: only the
agent can say whether the job is done.
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

_JOB_ID = re.compile(r"\b\d{8}T\d{9}-[0-9a-f]{16}\b")  # the form that `create` gives them
_SESSIONS = ".sessions"  # a folder beside the records; not a valid job id


class HookInput(Struct, frozen=True):
    """What a hook read from its CLI, and the tmux session that it runs in; empty when unknown."""

    payload: Payload
    session: str


def report(records: Records, hooks: Hooks, hook_input: HookInput) -> Publication | None:
    """Publish the event for a hook's input; None when it calls for no event.

    Raises what `publish` raises.
    """
    kind = hooks.events.get(text(hook_input.payload, "hook_event_name"))
    detail = _detail(kind, hooks, hook_input.payload)
    if kind is None or not detail:
        return None
    job = (
        _job_of_prompt(records, hook_input)
        if kind is EventKind.STARTED
        else _job_of_session(records, hook_input.payload)
    )
    return publish(records, job.id, kind, detail) if job else None


def _detail(kind: EventKind | None, hooks: Hooks, payload: Payload) -> str:
    match kind:
        case EventKind.STARTED:
            return "prompt taken"
        case EventKind.PERMISSION_REQUIRED:
            return hooks.request(payload)
        case _:
            return "turn ended"


def _job_of_prompt(records: Records, hook_input: HookInput) -> Job | None:
    """Find the open job of this agent whose id is in the prompt, and store it as the job of the CLI session."""
    for job_id in dict.fromkeys(_JOB_ID.findall(text(hook_input.payload, "prompt"))):
        job = _open_job(records, job_id)
        if job and _is_for(job, hook_input):
            path = _session_file(records, hook_input.payload)
            records.files.make_folder(os.path.dirname(path), 0o700)
            records.files.write(path, job.id.encode(), 0o600)
            return job
    return None


def _is_for(job: Job, hook_input: HookInput) -> bool:
    """Whether the hook runs in the job's agent: other agents may mention the job's id in their prompts."""
    if hook_input.session:
        return job.agent_session == f"tmux:{hook_input.session}"
    return os.path.realpath(job.workdir) == os.path.realpath(text(hook_input.payload, "cwd"))


def _job_of_session(records: Records, payload: Payload) -> Job | None:
    path = _session_file(records, payload)
    note = records.files.read(path)
    if not isinstance(note, Present):
        return None
    job = _open_job(records, note.value.decode())
    if job is None:
        records.files.delete(path, os.path.dirname(path))
    return job


def _open_job(records: Records, job_id: str) -> Job | None:
    try:
        job = read(records, job_id)
    except UnknownJob:
        return None
    return None if job.ended else job


def _session_file(records: Records, payload: Payload) -> str:
    """The path of the file with the job id for a CLI session."""
    name = sha256(text(payload, "session_id").encode(errors="replace")).hexdigest()
    return os.path.join(records.folder, _SESSIONS, name)

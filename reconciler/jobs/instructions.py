"""What the agent of a job is told: its task, and how to say what becomes of it. Pure."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

from reconciler.model.event_kind import EventKind


def publish_command(job_id: str, registry_dir: str, env: Mapping[str, str]) -> str:
    """The command that publishes an event of the job, for a POSIX shell in any folder, without any environment.

    It is run by DELEGATE_JOB_PYTHON where that is set, else by the interpreter that runs us.
    """
    # -P: a module of that name in the agent's folder must not be taken for ours
    python = (env.get("DELEGATE_JOB_PYTHON") or sys.executable, "-P", "-m", "reconciler")
    return shlex.join([*python, "job", "publish", "--registry-dir", registry_dir, "--job", job_id])


def instructions(job_id: str, prompt: str, publish: str) -> str:
    """The whole text that an agent gets; `publish` is the command without its event."""
    event = {kind: f"{publish} --event {kind}" for kind in EventKind}
    return f"""\
Your job_id is "{job_id}" (the one just registered for THIS delegation: \
do NOT reuse any job_id you saw in earlier runs).
On start run: {event[EventKind.STARTED]}
On permission/tool prompt run: {event[EventKind.PERMISSION_REQUIRED]} --detail '<tool>:<what>'
On progress (optional): {event[EventKind.PROGRESS]} --detail '<short status>'
On success run: {event[EventKind.COMPLETED]} --detail '<one-line summary>'
On failure run: {event[EventKind.ERROR]} --detail '<one-line reason>'
The subscriber for this job_id is already running; your completed/error event ends the job. \
Exit codes: 0 published, 1 error, 2 publish failure.
Task: {prompt}"""

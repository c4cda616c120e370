"""The text that a job's agent gets: its task, and the commands that report its progress. Pure."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

from reconciler.model.event_kind import EventKind


def publish_command(job_id: str, registry_dir: str, env: Mapping[str, str]) -> str:
    """Return the command that publishes an event of the job. It works in any POSIX shell, folder and environment.

    Its interpreter is DELEGATE_JOB_PYTHON if set, else the one that runs this process.
    """
    # -P keeps Python from importing a module named `reconciler` in the agent's folder
    python = (env.get("DELEGATE_JOB_PYTHON") or sys.executable, "-P", "-m", "reconciler")
    return shlex.join([*python, "job", "publish", "--registry-dir", registry_dir, "--job", job_id])


def instructions(job_id: str, prompt: str, publish: str) -> str:
    """Return the whole text for the agent; `publish` is the command without its event."""
    event = {kind: f"{publish} --event {kind}" for kind in EventKind if kind.is_of_agents}
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

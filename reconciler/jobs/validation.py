"""Run the user's script that checks the result of a job, and complete the job's audit."""

from __future__ import annotations

import os

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Job
from reconciler.model.moment import to_millisecond
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.ports import lockfile, scripts
from reconciler.ports.world import Tmux

from .audit import AuditFile, append_events, audit_folder, keep
from .record import Records, home_of, look, update

_LINES = 2000
_WRITING = 120.0  # seconds


class Validation(Struct, frozen=True):
    """The result of the script."""

    exit_code: int
    output: str

    @property
    def passed(self) -> bool:
        """Whether the script found nothing wrong."""
        return self.exit_code == 0


def validate(records: Records, job: Job, script: str) -> Validation:
    """Run the script in the job's folder with JOB_ID and REGISTRY_DIR set; write exit code and output to the audit.

    Raises:
        ReconcilerError: The script cannot be run, or the audit cannot be written.
    """
    env = {**records.env, "JOB_ID": job.id, "REGISTRY_DIR": records.folder}
    code, said = scripts.run(script, job.workdir, env)
    output = job.without_token(said)
    folder, at = audit_folder(job, records.env), to_millisecond(records.clock.now())
    keep(folder, AuditFile.VALIDATION, output, records.files, at)
    append_events(folder, [{"at": at, "what": "validation", "status": job.status, "script": script, "exit_code": code}])
    return Validation(code, output)


def conclude(records: Records, job_id: str, tmux: Tmux) -> Validation | None:
    """Complete the audit of an ended job: store the agent's pane, and run the job's own script.

    This happens once. A second process waits for the first one and returns the same result. None without a script.

    Raises:
        ReconcilerError: Something cannot be read, run or written.
    """
    with lockfile.one_at_a_time(os.path.join(home_of(records, job_id), "conclusion"), scripts.LONGEST + _WRITING):
        recorded = look(records, job_id)
        job = recorded.job
        kept = records.files.facts(os.path.join(audit_folder(job, records.env), AuditFile.PANE))
        if isinstance(kept, Absent) and not recorded.assumed("agent_session"):
            keep_pane(records, job, tmux)
        if job.validated is not None or not job.validate or job.is_sent_away:
            return verdict_of(records, job)
        found = validate(records, job, job.validate)
        update(records, job_id, lambda job: replace(job, validated=found.exit_code))
        return found


def verdict_of(records: Records, job: Job) -> Validation | None:
    """The stored result of the job's own script; None before it has run."""
    if job.validated is None:
        return None
    kept = records.files.read(os.path.join(audit_folder(job, records.env), AuditFile.VALIDATION))
    return Validation(job.validated, kept.value.decode(errors="replace") if isinstance(kept, Present) else "")


def keep_pane(records: Records, job: Job, tmux: Tmux) -> None:
    """Write the current text of the agent's pane to the audit. Raises ReconcilerError when it cannot be written."""
    text = job.without_token(_pane_text(job, tmux))
    keep(audit_folder(job, records.env), AuditFile.PANE, text, records.files, to_millisecond(records.clock.now()))


def _pane_text(job: Job, tmux: Tmux) -> str:
    """The last lines of the agent's pane, or why there are none: without a screen, the rest is still worth storing."""
    try:
        match tmux.look():
            case Present(state):
                session = job.agent_session.removeprefix("tmux:")
                panes = (pane.pane_id for pane in state.panes if pane.session == session)
                return "".join(f"{tmux.screen(pane, _LINES)}\n" for pane in panes)
            case Unknown(reason):
                return f"tmux could not be asked: {reason}\n"
            case Absent():
                return ""
    except ReconcilerError as error:
        return f"the pane could not be read: {error.summary}\n"

"""Have a script of the user's judge what a job has made, and finish the job's audit."""

from __future__ import annotations

import os
from dataclasses import dataclass

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Job
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.ports import scripts
from reconciler.ports.world import Tmux

from .audit import Paper, append_events, audit_folder, keep
from .record import Records, read
from .sign import moment

_LINES = 2000


@dataclass(frozen=True, slots=True)
class Validation:
    """What a script said of a job."""

    exit_code: int
    output: str

    @property
    def passed(self) -> bool:
        """Whether it found nothing wrong."""
        return self.exit_code == 0


def validate(records: Records, job: Job, script: str) -> Validation:
    """Run the script in the job's folder, with JOB_ID and REGISTRY_DIR, and audit its verdict and output.

    Raises:
        ReconcilerError: It cannot be run, or its verdict not be written.
    """
    env = {**records.env, "JOB_ID": job.id, "REGISTRY_DIR": records.folder}
    code, output = scripts.run(script, job.workdir, env)
    folder, at = audit_folder(job, records.env), moment(records.clock.now())
    keep(folder, Paper.VALIDATION, output.replace(job.auth_token, "[auth_token]"), records.files)
    append_events(folder, [{"at": at, "what": "validation", "status": job.status, "script": script, "exit_code": code}])
    return Validation(code, output)


def conclude(records: Records, job_id: str, tmux: Tmux) -> Validation | None:
    """Complete the audit of a job that has ended: its pane as it is now, and its own script's verdict.

    What was concluded before is left alone, and answers None, as does a job without a script.

    Raises:
        ReconcilerError: Something cannot be read, run or written.
    """
    job = read(records, job_id)
    if not isinstance(records.files.facts(os.path.join(audit_folder(job, records.env), Paper.PANE)), Absent):
        return None
    keep_pane(records, job, tmux)
    return validate(records, job, job.validate) if job.validate else None


def keep_pane(records: Records, job: Job, tmux: Tmux) -> None:
    """Put the agent's pane, as it is now, into the audit. Raises ReconcilerError when it cannot be written."""
    text = _pane_text(job, tmux).replace(job.auth_token, "[auth_token]")
    keep(audit_folder(job, records.env), Paper.PANE, text, records.files)


def _pane_text(job: Job, tmux: Tmux) -> str:
    """The last lines of the agent's pane, or why there are none: a lost screen must not cost the rest."""
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

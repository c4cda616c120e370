"""The permission dialog of a live agent, with or without a job: shown, and answered."""

from __future__ import annotations

from msgspec import Struct

from reconciler.agents.permission import Answer
from reconciler.app.jobs.send import LiveRecipient
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.project import Project
from reconciler.jobs.agent_requests import answer_dialog, show_dialog
from reconciler.jobs.answer import PermissionRequest, answer, record_dialog
from reconciler.jobs.dialogs import ShownDialog
from reconciler.jobs.recipient import session_of
from reconciler.jobs.record import Records, look_at_all
from reconciler.model.job import Job


class AgentDialog(Struct, frozen=True):
    """A dialog of an agent, and the job that waits for its answer; None without a job."""

    asked: LiveRecipient
    shown: ShownDialog
    job: Job | None = None


def dialog_now(records: Records, asked: LiveRecipient) -> AgentDialog:
    """The dialog on its screen, and the request to answer it with: that of its job where one waits.

    Raises:
        Refused: Its screen shows no dialog that could be answered.
        ReconcilerError: tmux could not be asked, or the dialog not be kept.
    """
    job = _waiting_job(records, asked)
    if job and (shown := record_dialog(records, job, asked.to, asked.world)):
        return AgentDialog(asked, shown, job)
    return AgentDialog(asked, show_dialog(records, asked.to, asked.world))


def give(at: Project, records: Records, asked: LiveRecipient, request: str, choice: Answer) -> AgentDialog:
    """Answer the dialog that was shown under the request; raises as `answer_dialog`, and Refused in a copy."""
    refuse_copy(at)
    job = _waiting_job(records, asked)
    if job and job.permission and job.permission.request == request:
        shown = answer(records, PermissionRequest(job.id, request), choice, asked.to, asked.world)
        return AgentDialog(asked, shown, job)
    return AgentDialog(asked, answer_dialog(records, request, choice, asked.to, asked.world))


def _waiting_job(records: Records, asked: LiveRecipient) -> Job | None:
    """The newest open job of the agent that waits for a permission; a record that cannot be read is none."""
    found, _unreadable = look_at_all(records)
    session = session_of(asked.to.pane)
    jobs = [each.job for each in found if each.job.agent_session == session and not each.job.ended]
    return next((job for job in reversed(jobs) if job.permission), None)

"""Answer the permission dialog that the agent of a job waits at.

A request is an event; a dialog is text on a screen. reconciler connects the two when it shows the dialog to the user
under the id of the request.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from msgspec.structs import replace

from reconciler.agents.permission import Answer
from reconciler.model.errors import Refused
from reconciler.model.job import Job
from reconciler.ports.world import World

from .agent_state import Recipient, observe_agent
from .asking_marks import AskingMarks
from .audit import audit_folder
from .dialogs import Requests, ShownDialog, dialog_of, give_answer, keep_dialog, kept_dialog, turn_of
from .record import Records, home_of, read, update


class PermissionRequest(NamedTuple):
    """A request of a job, by their ids."""

    job_id: str
    id: str


def record_dialog(records: Records, job: Job, to: Recipient, world: World) -> ShownDialog | None:
    """Return the dialog behind the job's pending request, to show it to the user. The first call stores it.

    None when it waits for nothing, or when no dialog that we know is on its screen.

    Raises:
        Unreachable: tmux could not be asked.
        ReconcilerError: It cannot be kept.
    """
    if job.permission is None:
        return None
    requests, request = requests_of(records, job), job.permission.request
    kept = kept_dialog(requests, request, world)
    dialog = None if kept else dialog_of(to, observe_agent(to, world))
    return keep_dialog(requests, request, dialog, AskingMarks(), world) if dialog else kept


def answer(records: Records, request: PermissionRequest, choice: Answer, to: Recipient, world: World) -> ShownDialog:
    """Press the key that answers the request, and tell which dialog that was.

    Raises:
        UnknownJob: There is no such record.
        Refused: It is not the job's pending request; or what `give_answer` refuses.
        Unreachable, ReconcilerError: As `give_answer` raises them.
    """
    with turn_of(records, to, world):
        job = read(records, request.job_id)
        _expect_waiting(job, request.id)
        dialog = give_answer(requests_of(records, job), request.id, choice, to, world)
        update(records, job.id, lambda job: _without(job, request.id))
    return dialog


def requests_of(records: Records, job: Job) -> Requests:
    """The requests of a job: they are kept beside its record, and its audit tells of them."""
    return Requests(
        folder=os.path.join(home_of(records, job.id), "requests"),
        audit=audit_folder(job, records.env),
        session=job.agent_session.removeprefix("tmux:"),
        facts={"status": job.status},
        discreet=job.without_token,
    )


def _without(job: Job, request: str) -> Job | None:
    is_pending = job.permission and job.permission.request == request
    return replace(job, permission=None) if is_pending else None


def _expect_waiting(job: Job, request: str) -> None:
    """Raises Refused unless this is the job's pending request."""
    pending = job.permission
    if pending is None:
        raise Refused(
            f"job {job.id} does not wait for a permission",
            fix=f"see what it does: reconciler job status --job {job.id}",
        )
    if pending.request != request:
        raise Refused(
            f"job {job.id} does not wait for the request {request}",
            detail=f"it waits for {pending.request}",
            fix=f"see what it asks: reconciler job answer --job {job.id}",
        )

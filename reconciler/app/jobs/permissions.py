"""The permission that the agent of a job asks for: seen from afar, and answered."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.agents.permission import Answer
from reconciler.app.jobs.jobs import agent_of, unseen_checks
from reconciler.app.project.project import Project
from reconciler.app.project.settlement import insist
from reconciler.jobs.answer import Request, Sighting, sight
from reconciler.jobs.answer import answer as give
from reconciler.jobs.record import Records, read
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import Refused
from reconciler.model.job import Permission


@dataclass(frozen=True, slots=True)
class PendingPermission:
    """What a job waits for, the dialog that its agent shows, and the checks that this system does not allow."""

    permission: Permission
    sighting: Sighting
    unseen: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class AnsweredPermission:
    """The dialog that was answered, and the checks that this system does not allow."""

    sighting: Sighting
    unseen: tuple[Diagnostic, ...] = ()


def pending_permission(at: Project, records: Records, job_id: str) -> PendingPermission:
    """The permission that a job waits for; only a dialog that was seen can be answered.

    Raises:
        UnknownJob: There is no such record.
        Refused: It waits for none, or its screen shows no dialog that can be answered from here.
    """
    to, world = agent_of(at, records, read(records, job_id))
    job = read(records, job_id)
    if job.permission is None:
        raise Refused(f"job {job.id} waits for no permission", fix=f"reconciler job status --job {job.id}")
    seen = sight(records, job, to, world)
    if seen is None:
        raise Refused(
            "its screen shows no dialog that could be answered for you",
            fix=f"look, and answer there: reconciler attach {to.pane.session}",
        )
    return PendingPermission(job.permission, seen, tuple(unseen_checks(at, to.profile)))


def answer(at: Project, records: Records, request: Request, choice: Answer) -> AnsweredPermission:
    """Answer a request that was seen; raises as `jobs.answer.answer`."""
    insist(at)
    to, world = agent_of(at, records, read(records, request.job_id))
    return AnsweredPermission(give(records, request, choice, to, world), tuple(unseen_checks(at, to.profile)))

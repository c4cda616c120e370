"""Show and answer the permission dialog of a job's agent."""

from __future__ import annotations

from msgspec import Struct

from reconciler.agents.permission import Answer
from reconciler.app.jobs.jobs import agent_of, unseen_checks
from reconciler.app.project.copies import refuse_copy
from reconciler.app.project.project import Project
from reconciler.jobs.answer import PermissionRequest, record_dialog
from reconciler.jobs.answer import answer as give
from reconciler.jobs.dialogs import ShownDialog
from reconciler.jobs.permission_watcher import WatchedAgent
from reconciler.jobs.record import Records, look, read
from reconciler.jobs.warnings import record_warnings
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import Refused
from reconciler.model.job import Permission


class AskedAgent(Struct, frozen=True):
    """The agent of a job, the ports to reach it, and warnings about what its record or this system lacks."""

    agent: WatchedAgent
    warnings: tuple[Diagnostic, ...]


class PendingPermission(Struct, frozen=True):
    """The permission that a job waits for, and the dialog on its agent's screen."""

    permission: Permission
    shown: ShownDialog


def asked_agent(at: Project, records: Records, job_id: str, *, to_answer: bool) -> AskedAgent:
    """The agent of a job, to look at or to answer.

    Raises:
        UnknownJob: There is no such record.
        Refused: An answer is asked for in a copy of a project; a person does the job; or the record does not say in
            which session the agent runs.
    """
    if to_answer:
        refuse_copy(at)
    found = look(records, job_id)
    if found.assumed("agent_session"):
        raise Refused(
            f"job {job_id} cannot be answered: its record does not say in which session its agent runs",
            fix="find its session and answer there: reconciler attach SESSION",
        )
    agent = agent_of(at, records, found.job)
    return AskedAgent(agent, (*record_warnings([found]), *unseen_checks(at, agent.to.profile)))


def pending_permission(records: Records, job_id: str, asked: AskedAgent) -> PendingPermission:
    """The permission that a job waits for, with the dialog on the screen.

    Raises:
        Refused: It waits for none, or its screen shows no dialog that can be answered with a command.
    """
    to, world = asked.agent
    job = read(records, job_id)
    if job.permission is None:
        look_there = f"look and answer there: reconciler attach {to.pane.session}"
        fix = f"reconciler job status --job {job.id}" if job.auth_token else look_there
        raise Refused(f"job {job.id} does not wait for a permission", fix=fix)
    seen = record_dialog(records, job, to, world)
    if seen is None:
        raise Refused(
            "its screen shows no dialog that reconciler can answer",
            fix=f"look and answer there: reconciler attach {to.pane.session}",
        )
    return PendingPermission(job.permission, seen)


def answer(records: Records, request: PermissionRequest, choice: Answer, asked: AskedAgent) -> ShownDialog:
    """Answer a request that the user has seen, and return the dialog; raises as `jobs.answer.answer`."""
    return give(records, request, choice, *asked.agent)

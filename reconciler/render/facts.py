"""What the three sources say about one address, as published: declared, recorded, live.

Variables of an agent are shown by name and origin, never with their value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.kinds.agent.case import Case, relocated
from reconciler.kinds.agent.status import AgentStatus
from reconciler.model.broker import Broker, Survey
from reconciler.model.desired import Agent, Budget, EnvOrigin, EnvVar, Workspace
from reconciler.model.diagnostic import Place
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.record import BrokerRow, Identity, Json, SessionRow, WorkspaceRow
from reconciler.model.snapshot import Artifact, Folder, Pane

if TYPE_CHECKING:
    from reconciler.model.hidden import Hidden

    from .documents.explanation import SourceDoc


def source(place: Place | None, **facts: Json) -> SourceDoc:
    """One source's facts without empty ones; `place` is where they are written."""
    file, line, column = (place.file, place.line, place.column) if place else ("", 0, 0)
    known = {name: fact for name, fact in facts.items() if fact not in (None, "", [], {})}
    return {"file": file, "line": line, "column": column, "facts": known}


# --- declared ---------------------------------------------------------------------------------


def agent_declared(spec: Agent) -> SourceDoc:
    """What the manifests declare about an agent."""
    return source(
        spec.place,
        state=spec.state.value,
        type=spec.type,
        role=spec.role,
        session=spec.session,
        cwd=spec.cwd,
        wrap=list(spec.wrap),
        command=list(spec.command),
        path=list(spec.path),
        args=list(spec.args),
        env=[_origin(var) for var in spec.env],
        resume=spec.resume,
        protect=spec.protect or None,
        ignore=sorted(spec.ignore),
        depends_on=[str(each) for each in spec.depends_on],
        budget=_budget(spec.budget),
    )


def _budget(budget: Budget | None) -> str:
    """Each limit of a budget, then what happens at it."""
    if budget is None:
        return ""
    tokens, usd = budget.tokens_per_day, budget.usd_per_day
    limits = [f"{tokens} tokens_per_day" if tokens else "", f"{usd:g} usd_per_day" if usd else ""]
    return ", ".join([*filter(None, limits), budget.on_exceed.value])


def _origin(var: EnvVar) -> str:
    source = var.words[0] if var.words else var.source  # the other words of a command may be secret
    said = f"{var.origin.value} {source}".rstrip()
    return var.name if var.origin is EnvOrigin.LITERAL else f"{var.name} ({said})"


def workspace_declared(spec: Workspace) -> SourceDoc:
    """What the manifests declare about a workspace."""
    git = spec.git
    tree = {"repo": git.repo, "branch": git.branch, "base": git.base or None} if git else {}
    return source(spec.place, path=spec.path, budget=_budget(spec.budget), **tree)


def broker_declared(spec: Broker) -> SourceDoc:
    """What the manifests declare about a broker."""
    return source(
        spec.place,
        dir=spec.directory,
        host=spec.host,
        ports=[each.port for each in spec.listeners],
        users=[f"{user.name} ({user.role.value})" for user in spec.users],
        target=spec.target.value,
    )


# --- recorded ---------------------------------------------------------------------------------


def agent_recorded(row: SessionRow, identity: Identity, place: Place) -> SourceDoc:
    """What the registry says about an agent: its status, since when, and what it was started with."""
    started = row.started_with
    return source(
        place,
        status=row.status.value,
        note=row.note,
        session=row.session,
        created=row.created_at,
        updated=row.updated_at,
        terminated=row.terminated_at,
        reason=row.stopped_reason,
        managed=None if row.managed else False,
        protect=row.protect or None,
        pane=f"{row.pane.id} (pid {row.pane.pid}, {row.pane.cmd})" if row.pane else None,
        server=f"{row.server.socket} (pid {row.server.pid}, since {row.server.started})" if row.server else None,
        command=[*started.wrap, *started.command, *started.args] if started else None,
        env=sorted(started.env) if started else None,
        cwd=started.cwd if started else None,
        conversation=identity.session_id or row.session_id_own,
        previous=list(identity.previous),
    )


def workspace_recorded(row: WorkspaceRow, place: Place) -> SourceDoc:
    """What the registry says about a workspace."""
    made = "by reconciler" if row.created else "not by reconciler"
    tree = {"repo": row.git_repo, "branch": row.git_branch}
    return source(place, path=row.path, made=made, managed=None if row.managed else False, **tree)


def broker_recorded(row: BrokerRow, place: Place) -> SourceDoc:
    """What the registry says about a broker."""
    return source(place, dir=row.directory, target=row.target, managed=None if row.managed else False)


# --- live -------------------------------------------------------------------------------------


def agent_live(
    status: AgentStatus, case: Case | None, artifact: Observed[Artifact] | None, hidden: Hidden | None = None
) -> SourceDoc:
    """What tmux, the processes and the CLI's files say about an agent, and what its wrapper hides."""
    pane = case.pane.value if case and isinstance(case.pane, Present) else None
    return source(
        None,
        session=_session(status, case),
        state=status.state,
        pane=f"{pane.pane_id} (pid {pane.pid}, {pane.command})" if pane else None,
        ended=_end(pane),
        cwd=pane.cwd if pane else None,
        attached=pane.attached or None if pane else None,
        conversation=status.conversation if pane else None,
        hidden=[f"behind {hidden.by}: {said}" for said in hidden.said] if hidden else None,
        **_stored(artifact),
    )


def _session(status: AgentStatus, case: Case | None) -> str:
    if case and isinstance(case.pane, Unknown):
        return f"unknown: {case.pane.reason}"
    if case and case.foreign_pane:
        pane = case.foreign_pane
        return f"{pane.session} exists but is not ours: {pane.command} (pid {pane.pid})"
    if case and isinstance(case.pane, Present) and (where := relocated(case, case.pane.value)):
        return where
    return {
        "alive": f"{status.session} exists",
        "exited": f"{status.session} exists, but the agent in it has exited",
    }.get(status.live, "none")


def _end(pane: Pane | None) -> str:
    if pane is None or not pane.dead:
        return ""
    return f"by signal {pane.dead_signal}" if pane.dead_signal else f"with status {pane.dead_status}"


def _stored(artifact: Observed[Artifact] | None) -> dict[str, Json]:
    match artifact:
        case Present(found):
            return {"stored": found.path, "resumable": found.resumable}
        case Absent():
            return {"stored": "nothing"}
        case Unknown(reason):
            return {"stored": f"unknown: {reason}"}
        case None:
            return {}


def workspace_live(folder: Observed[Folder] | None) -> SourceDoc:
    """What is at a workspace's path; `folder` is None if it was not looked at."""
    match folder:
        case None:
            return source(None, folder="not looked at, because there is nothing to do")
        case Absent():
            return source(None, folder="none")
        case Unknown(reason):
            return source(None, folder=f"unknown: {reason}")
        case Present(found):
            kind = "a folder" if found.is_folder else "a file"
            tree = found.worktree
            work = {"repo": tree.repo, "branch": tree.branch, "uncommitted": tree.dirty} if tree else {}
            return source(None, folder=f"{kind}, empty" if found.empty else kind, **work)


def broker_live(found: Observed[Survey]) -> SourceDoc:
    """The state of a broker, and what would change in its files."""
    if isinstance(found, Unknown):
        return source(None, files=f"unknown: {found.reason}")
    if isinstance(found, Absent) or not found.value.made:
        return source(None, files="none")
    survey = found.value
    runs = {True: "runs", False: "does not run", None: "not run by this user"}[survey.runs]
    return source(
        None,
        files="exist",
        process=runs,
        edited=list(survey.edited),
        due=list(survey.due),
        reasons=list(survey.reasons),
    )


def left_broker_live(process: Observed[int] | None) -> SourceDoc:
    """Whether a broker that is no longer declared still runs; `process` is None if it was not looked at."""
    match process:
        case None:
            return source(None, process="not looked at, because there is nothing to do")
        case Absent():
            return source(None, process="does not run")
        case Unknown(reason):
            return source(None, process=f"unknown: {reason}")
        case Present(pid):
            return source(None, process=f"runs (pid {pid})")

"""Find mistakes in manifests: in their text, and on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.project.project import Project
from reconciler.broker.files.settings import mistakes
from reconciler.kinds.agent.case import PlanOptions
from reconciler.kinds.workspace.case import WorkspaceCase
from reconciler.kinds.workspace.decide import decide
from reconciler.model.broker import Survey
from reconciler.model.desired import Agent, Desired, Workspace
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.moment import to_second
from reconciler.model.observed import Absent, Present
from reconciler.model.record import Record, WorkspaceRow
from reconciler.model.snapshot import Artifact, Snapshot
from reconciler.plan.diff import diff
from reconciler.plan.scope import EVERYTHING
from reconciler.plan.sources import Sources
from reconciler.ports.tmux.socket_path import too_long


def findings(at: Project, desired: Desired) -> tuple[Diagnostic, ...]:
    """Every mistake in the manifests, and every problem with them on this machine."""
    return (*of_the_manifests(at, desired), *_of_this_machine(at, desired))


def of_the_manifests(at: Project, desired: Desired) -> tuple[Diagnostic, ...]:
    """The mistakes in the manifests alone, as a plan would report them on an empty machine.

    The plan itself reports them, so a manifest that every plan refuses is never valid.
    """
    profiles = catalogue(desired.agent_types.values())
    sources = Sources(desired, Record(), _welcoming(desired), profiles)
    plan = diff(sources, PlanOptions(now=to_second(at.now())), EVERYTHING)
    return plan.diagnostics


def _welcoming(desired: Desired) -> Snapshot:
    """A snapshot without sessions and folders that has everything else the manifests need."""
    return Snapshot(
        artifacts={address: Present(Artifact("", resumable=True)) for address in desired.agents},
        executables={address: Present("") for address in desired.agents},
        secrets={(v.origin, v.source): Present("") for agent in desired.agents.values() for v in agent.env if v.source},
        brokers={
            address: Present(Survey(made=False, problems=mistakes(spec))) for address, spec in desired.brokers.items()
        },
    )


def _of_this_machine(at: Project, desired: Desired) -> Iterator[Diagnostic]:
    socket, problem = desired.socket, at.server_problem(desired.socket)
    if problem:  # a socket path that is too long is a mistake on every machine
        severity = Severity.ERROR if socket.path and too_long(socket.path) else Severity.WARNING
        yield Diagnostic(severity, problem.summary, problem.detail, problem.fix, place=socket.place)
    for spec in desired.workspaces.values():
        yield from _in_the_way(at, spec)
    for agent in desired.agents.values():
        yield from _missing_here(at, agent)


def _missing_here(at: Project, spec: Agent) -> Iterator[Diagnostic]:
    """What an agent needs and this machine lacks; it may be there on the machine where the agent runs."""
    path = at.env.get("PATH", "")
    for var in spec.env:
        if var.words and isinstance(at.processes.find(var.words[0], path), Absent):
            yield _warning(spec, f"{var.words[0]} is not found", f"{spec.address} gets {var.name} from what it prints")
    for folder in spec.path:
        if isinstance(at.files.folder(folder), Absent):
            yield _warning(spec, f"{folder} is not a folder", f"{spec.address} has it in `path`")
    is_made = not isinstance(at.files.folder(spec.workspace_folder), Absent)
    if spec.workspace_path and is_made and isinstance(at.files.folder(spec.cwd), Absent):
        yield _warning(spec, f"{spec.cwd} is not a folder", f"{spec.address} works there (`cwd`)")


def _warning(spec: Agent, summary: str, detail: str) -> Diagnostic:
    fix = "correct the manifest if that is a slip"
    return Diagnostic(Severity.WARNING, summary, detail, fix, address=str(spec.address), place=spec.place)


def _in_the_way(at: Project, spec: Workspace) -> Iterator[Diagnostic]:
    """A problem with what exists at the workspace's path; a missing folder may exist on the target machine."""
    row = WorkspaceRow(spec.address.workspace, spec.path, created=True)
    folder, repo = at.files.folder(spec.path), at.files.real(spec.git.repo) if spec.git else ""
    missing = isinstance(folder, Absent)
    asked = missing or (isinstance(folder, Present) and folder.value.lost)
    obstacle = at.files.obstacle(spec.path, spec.git) if asked else None
    found = decide(WorkspaceCase(spec, row, folder, repo, obstacle))
    for said in found.diagnostics:
        yield replace(said, severity=Severity.WARNING) if missing else said

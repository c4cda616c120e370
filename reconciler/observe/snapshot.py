"""Take the snapshot: first tmux, folders and secrets, then a closer look at the agents that need one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.kinds.agent.case import Case, cases, with_unmanaged
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Desired, EnvOrigin, EnvVar, Workspace
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import MAY_LIVE, BrokerRow, Record, Status, WorkspaceRow
from reconciler.model.snapshot import Folder, Pane, Server, Snapshot, TmuxState, UnreachableServer
from reconciler.ports.world import Brokers, Files, World

from .agent_view import Caller
from .request import SnapshotRequest, is_asked
from .visibility import unseen_processes

if TYPE_CHECKING:
    from reconciler.model.obstacle import Obstacle


def observe(request: SnapshotRequest, world: World, caller: Caller) -> Snapshot:
    """Look at the live state at this moment, as far as a comparison needs it."""
    return observe_cases(request, world, caller)[0]


def observe_cases(request: SnapshotRequest, world: World, caller: Caller) -> tuple[Snapshot, dict[Address, Case]]:
    """Look like `observe`, and return the cases of the snapshot, too, which the look needs in any case."""
    tmux, orphans = _look_at_tmux(request.record, world)
    folders = _folders(request, world.files)
    snapshot = Snapshot(
        tmux=tmux,
        orphans=orphans,
        folders=folders,
        obstacles=_obstacles(request, folders, world.files),
        server_problem=world.tmux.obstacle() if isinstance(tmux, Absent) and request.cache is None else None,
        real=_real_paths(request.desired, world.files),
        secrets=_secrets(request.desired, world, caller),
        brokers={address: world.brokers.survey(spec) for address, spec in request.desired.brokers.items()},
        broker_processes=_broker_processes(request, world.brokers),
        visibility_warnings=_visibility_warnings(request, world),
    )
    found = cases(request.desired, request.record, snapshot, request.profiles, request.options)
    agents = with_unmanaged(found, request.record, snapshot, request.profiles) if request.everyone else found
    if not any(is_asked(case, request) for case in agents.values()):
        return snapshot, found
    from .closer_look import look_closely  # noqa: PLC0415 - a plan without changes starts faster without

    snapshot = look_closely(request, snapshot, agents, world, caller)
    return snapshot, cases(request.desired, request.record, snapshot, request.profiles, request.options)


def _look_at_tmux(record: Record, world: World) -> tuple[Observed[TmuxState], Mapping[Address, Observed[int]]]:
    """What tmux shows, and the orphans. If tmux lacks a recorded agent, the processes are checked, too."""
    tmux = world.tmux.look()
    if isinstance(tmux, Unknown) or _shows_all(tmux, record):
        return tmux, {}
    from .unreachable_server import find_unreachable_server  # noqa: PLC0415 - a plan without changes starts faster without

    return find_unreachable_server(record, tmux, world)


def _shows_all(tmux: Absent | Present[TmuxState], record: Record) -> bool:
    """True when every recorded process that may still run is in a pane of the server that answers."""
    server = tmux.value.server.pid if isinstance(tmux, Present) else 0
    shown = {pane.pid for pane in tmux.value.panes} if isinstance(tmux, Present) else set()
    rows = (row for row in record.sessions.values() if row.status in MAY_LIVE)
    return all(
        (row.server is None or row.server.pid == server) and (row.pane is None or row.pane.pid in shown) for row in rows
    )


def _visibility_warnings(request: SnapshotRequest, world: World) -> tuple[Diagnostic, ...]:
    if not world.processes.unsupported() or not (request.desired.agents or request.record.sessions):
        return ()
    return unseen_processes(world.processes)


def recorded_as_live(record: Record, snapshot: Snapshot) -> Snapshot:
    """The snapshot as if tmux showed what the registry records, for `--refresh=false`.

    An unreachable server stays one: its agents are known to be elsewhere.
    """
    if isinstance(snapshot.tmux, UnreachableServer):
        return snapshot
    return replace(snapshot, tmux=_recorded_tmux(record))


# --- brokers ----------------------------------------------------------------------------------


def _broker_processes(request: SnapshotRequest, brokers: Brokers) -> dict[str, Observed[int]]:
    rows = [row for row in request.record.brokers.values() if row.managed and _is_left(row, request)]
    return {row.directory: brokers.process(row.directory) for row in rows}


def _is_left(row: BrokerRow, request: SnapshotRequest) -> bool:
    """True when the recorded broker is not the wanted one: its process has to be found and ended."""
    spec = request.desired.brokers.get(row.address)
    return request.options.destroy or spec is None or (spec.directory, spec.target) != (row.directory, row.target)


# --- workspaces -------------------------------------------------------------------------------


def _folders(request: SnapshotRequest, files: Files) -> dict[str, Observed[Folder]]:
    folders = {spec.path: files.folder(spec.path) for spec in request.desired.workspaces.values()}
    for row in request.record.workspaces.values():
        if row.managed and row.path and _is_leaving(row, request):
            folders[row.path] = _with_work(row, files)
    return folders


def _is_leaving(row: WorkspaceRow, request: SnapshotRequest) -> bool:
    return request.options.destroy or workspace_address(row.name) not in request.desired.workspaces


def _with_work(row: WorkspaceRow, files: Files) -> Observed[Folder]:
    """The folder; for a worktree of ours, with what git knows of unsaved work in it."""
    folder = files.folder(row.path)
    if not (row.created and row.git_repo and isinstance(folder, Present)):
        return folder
    match files.worktree(row.path):
        case Present(tree):
            return Present(replace(folder.value, worktree=tree))
        case Unknown() as unknown:
            return unknown
        case Absent():
            return folder


def _obstacles(request: SnapshotRequest, folders: Mapping[str, Observed[Folder]], files: Files) -> dict[str, Obstacle]:
    """What prevents the creation of missing workspaces, or the use of worktrees whose repository is lost."""
    if request.cache is not None or request.options.destroy:
        return {}
    asked = [spec for spec in request.desired.workspaces.values() if _is_missing(spec, folders[spec.path])]
    if not asked:
        return {}
    from .obstacles import obstacles  # noqa: PLC0415 - a plan without changes starts faster without

    leaving = {row.path for row in request.record.workspaces.values() if row.managed and _is_leaving(row, request)}
    return obstacles(asked, leaving, files)


def _is_missing(spec: Workspace, found: Observed[Folder]) -> bool:
    return isinstance(found, Absent) or (isinstance(found, Present) and bool(found.value.lost and spec.git))


def _real_paths(desired: Desired, files: Files) -> dict[str, str]:
    repos = {spec.git.repo for spec in desired.workspaces.values() if spec.git}
    return {path: files.real(path) for path in repos}


# --- agents -----------------------------------------------------------------------------------


def _secrets(desired: Desired, world: World, caller: Caller) -> dict[tuple[EnvOrigin, str], Observed[str]]:
    """The values behind `from_env` and `from_file`, each read once; of `from_command`, whether its program is there."""
    wanted = {(var.origin, var.source): var for agent in desired.agents.values() for var in agent.env if var.source}
    return {key: _secret(var, world, caller) for key, var in wanted.items()}


def _secret(var: EnvVar, world: World, caller: Caller) -> Observed[str]:
    source = var.source
    if var.origin is EnvOrigin.FROM_ENV:
        return Present(caller.env[source]) if source in caller.env else ABSENT
    if var.origin is EnvOrigin.FROM_COMMAND:
        found = world.processes.find(var.words[0], caller.env.get("PATH", ""))
        return found if isinstance(found, Absent) else Unknown("it runs when its agent starts")
    match world.files.read(source):
        case Present(data):
            return Present(data.decode(errors="surrogateescape").rstrip("\n"))
        case missing:
            return missing


# --- --refresh=false --------------------------------------------------------------------------


def _recorded_tmux(record: Record) -> Observed[TmuxState]:
    panes = tuple(
        Pane(
            session=row.session,
            session_id=row.session,
            pane_id=row.pane.id if row.pane else "",
            pid=row.pane.pid if row.pane else 0,
            command=row.pane.cmd if row.pane else "",
            cwd=row.pane.cwd if row.pane else "",
            lineage=record.lineage,
            address=str(row.address),
        )
        for row in record.sessions.values()
        if row.managed and row.status is Status.RUNNING
    )
    return Present(TmuxState(Server(socket="", pid=0, started=0), panes))

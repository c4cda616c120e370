"""Compare manifests with the registry on a machine where the project does not run, such as a CI runner.

The registry takes the place of the live state. What depends on the other machine, such as folders and secrets, is made
equal on both sides, so that it never differs.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.address import Address
from reconciler.model.broker import Survey, Target
from reconciler.model.desired import Agent, Desired, EnvOrigin, EnvVar, Git, Workspace
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import BrokerRow, Record, SessionRow, WorkspaceRow
from reconciler.model.snapshot import Artifact, Folder, Snapshot, Worktree

from .sources import Sources


def offline(sources: Sources) -> Sources:
    """The sources as if everything were live as recorded. Only tmux and the brokers' files come from the snapshot."""
    desired, record = _same_secrets(_same_places(sources.desired, sources.record), sources.record)
    return replace(sources, desired=desired, record=record, snapshot=_as_recorded(desired, record, sources.snapshot))


def unseen(desired: Desired, snapshot: Snapshot) -> Iterator[str]:
    """Name everything that a comparison of files alone cannot check, one line each."""
    yield "tmux, processes and conversations: whether agents run as recorded (classes A to I)"
    yield "folders: whether they exist, and whether `path`, `repo` and a broker's `dir` changed"
    yield "the values of secrets and of expanded variables"
    for address in desired.brokers:
        yield f"{address}: {_unseen_of_broker(snapshot.brokers.get(address, ABSENT))}"
    if desired.accepts:
        yield "whether every accepted drift is still there"


def _unseen_of_broker(found: Observed[Survey]) -> str:
    match found:
        case Present():
            return "its process, keys, passwords and certificates (classes K and L)"
        case Absent():
            return "its files are not on this machine"
        case Unknown(reason):
            return reason


# --- what belongs to the other machine --------------------------------------------------------


def _same_places(desired: Desired, record: Record) -> Desired:
    """The manifests with the recorded folders: `~`, relative paths and defaults differ between machines."""
    spaces = {
        address: _there(spec, record.workspaces.get(address.workspace)) for address, spec in desired.workspaces.items()
    }
    rows = _rows(record)
    agents = {
        address: replace(spec, cwd=row.started_with.cwd) if (row := rows.get(address)) and row.started_with else spec
        for address, spec in desired.agents.items()
    }
    made = record.brokers
    brokers = {
        address: replace(spec, directory=made[address.workspace].directory) if address.workspace in made else spec
        for address, spec in desired.brokers.items()
    }
    return replace(desired, workspaces=spaces, agents=agents, brokers=brokers)


def _there(spec: Workspace, row: WorkspaceRow | None) -> Workspace:
    if row is None or not row.path:
        return spec
    git = Git(row.git_repo, spec.git.branch, spec.git.base) if spec.git and row.git_repo else spec.git
    return replace(spec, path=row.path, git=git)


def _same_secrets(desired: Desired, record: Record) -> tuple[Desired, Record]:
    """The manifests and the registry without the secrets that both have: their values cannot be compared here."""
    agents, sessions = dict(desired.agents), dict(record.sessions)
    for address, row in _rows(record).items():
        if address in agents:
            agents[address], sessions[row.session] = _without_common_secrets(agents[address], row)
    known = {address: replace(spec, env=tuple(map(_without_source, spec.env))) for address, spec in agents.items()}
    return replace(desired, agents=known), replace(record, sessions=sessions)


def _without_common_secrets(spec: Agent, row: SessionRow) -> tuple[Agent, SessionRow]:
    if row.started_with is None:
        return spec, row
    recorded = row.started_with.env
    common = {var.name for var in spec.env if var.sensitive} & recorded.keys()
    env = {name: value for name, value in recorded.items() if name not in common}
    wanted = tuple(var for var in spec.env if var.name not in common)
    return replace(spec, env=wanted), replace(row, started_with=replace(row.started_with, env=env))


def _without_source(var: EnvVar) -> EnvVar:
    """The variable as one that needs no lookup here; its value still counts as unknown."""
    return replace(var, origin=EnvOrigin.EXPANDED, source="") if var.source else var


def _rows(record: Record) -> dict[Address, SessionRow]:
    return {row.address: row for row in record.sessions.values() if row.managed}


# --- the world as recorded --------------------------------------------------------------------


def _as_recorded(desired: Desired, record: Record, snapshot: Snapshot) -> Snapshot:
    agents = [*desired.agents, *_rows(record)]
    return replace(
        snapshot,
        folders={row.path: Present(_folder(row)) for row in record.workspaces.values() if row.path},
        artifacts={row.address: Present(Artifact("", row.resumable)) for row in record.sessions.values()},
        agents=dict.fromkeys(agents, LiveAgent(Activity.IDLE)),
        executables=dict.fromkeys(agents, Present("")),
        brokers={address: _broker(address, record, snapshot) for address in desired.brokers},
        broker_processes={row.directory: Present(0) for row in _leaving(desired, record)},
    )


def _broker(address: Address, record: Record, snapshot: Snapshot) -> Observed[Survey]:
    """What was found of the broker. Without files and without a row, it has not been created yet."""
    found = snapshot.brokers.get(address, ABSENT)
    is_new = isinstance(found, Absent) and address.workspace not in record.brokers
    return Present(Survey(made=False, runs=False)) if is_new else found


def _leaving(desired: Desired, record: Record) -> Iterator[BrokerRow]:
    """The recorded brokers that no manifest declares any more and that count as running: those of this user."""
    rows = (row for row in record.brokers.values() if row.managed and row.address not in desired.brokers)
    return (row for row in rows if row.target == Target.PROCESS)


def _folder(row: WorkspaceRow) -> Folder:
    tree = Worktree(row.git_repo, row.git_branch, dirty=0, unpushed=0) if row.git_repo else None
    return Folder(is_folder=True, empty=True, worktree=tree)

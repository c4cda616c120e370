"""Look at the world once: tmux with one question, the disk only where a decision needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.agents.profile import LiveNote, Profile, Subject
from reconciler.kinds.agent.case import Case, Wish, cases, settled
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.address import Address, workspace_address
from reconciler.model.desired import Desired, Origin
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.record import Record, Status, WorkspaceRow
from reconciler.model.snapshot import Activity, Artifact, Folder, LiveAgent, Pane, Server, Snapshot, TmuxState
from reconciler.ports.world import Files, Processes, World


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever runs the command: their home folder and environment."""

    home: str
    env: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the world. With `everyone`, agents are looked at although nothing is to be done."""

    desired: Desired
    record: Record
    profiles: Mapping[str, Profile]
    wish: Wish
    everyone: bool = False


def observe(question: Question, world: World, caller: Caller) -> Snapshot:
    """The live state at this moment, as far as a comparison needs it."""
    snapshot = Snapshot(
        tmux=world.tmux.look(),
        folders=_folders(question, world.files),
        real=_real_paths(question.desired, world.files),
        secrets=_secrets(question.desired, world.files, caller),
    )
    found = cases(question.desired, question.record, snapshot, question.profiles, question.wish)
    return _with_facts(snapshot, [case for case in found.values() if _is_asked(case, question)], world, caller)


def _is_asked(case: Case, question: Question) -> bool:
    return question.everyone or not settled(case, question.wish)


def recorded_as_live(record: Record, snapshot: Snapshot) -> Snapshot:
    """The snapshot that the registry alone would give: `--refresh=false`."""
    return replace(snapshot, tmux=_recorded_tmux(record))


# --- workspaces -------------------------------------------------------------------------------


def _folders(question: Question, files: Files) -> dict[str, Observed[Folder]]:
    folders = {spec.path: files.folder(spec.path) for spec in question.desired.workspaces.values()}
    for row in question.record.workspaces.values():
        if row.managed and row.path and _is_leaving(row, question):
            folders[row.path] = _with_work(row, files)
    return folders


def _is_leaving(row: WorkspaceRow, question: Question) -> bool:
    return question.wish.destroy or workspace_address(row.name) not in question.desired.workspaces


def _with_work(row: WorkspaceRow, files: Files) -> Observed[Folder]:
    """The folder, and for a worktree of ours what git knows of unsaved work in it."""
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


def _real_paths(desired: Desired, files: Files) -> dict[str, str]:
    repos = {spec.git.repo for spec in desired.workspaces.values() if spec.git}
    return {path: files.real(path) for path in repos}


# --- agents -----------------------------------------------------------------------------------


def _secrets(desired: Desired, files: Files, caller: Caller) -> dict[tuple[Origin, str], Observed[str]]:
    """The values behind `from_env` and `from_file`, each read once."""
    wanted = {(var.origin, var.source) for agent in desired.agents.values() for var in agent.env if var.source}
    return {key: _secret(*key, files, caller) for key in wanted}


def _secret(origin: Origin, source: str, files: Files, caller: Caller) -> Observed[str]:
    if origin is Origin.FROM_ENV:
        return Present(caller.env[source]) if source in caller.env else ABSENT
    match files.read(source):
        case Present(data):
            return Present(data.decode(errors="surrogateescape").rstrip("\n"))
        case missing:
            return missing


def _with_facts(snapshot: Snapshot, asked: Iterable[Case], world: World, caller: Caller) -> Snapshot:
    artifacts: dict[Address, Observed[Artifact]] = {}
    agents: dict[Address, LiveAgent] = {}
    executables: dict[Address, Observed[str]] = {}
    orphans: dict[Address, int] = {}
    for case in asked:
        if case.profile is None or isinstance(case.pane, Unknown):
            continue
        subject = _subject(case, snapshot, world.files, caller)
        pane = case.adoptee or (case.pane.value if isinstance(case.pane, Present) else None)
        artifacts[case.address] = _artifact(case, case.profile, subject, world.files)
        agents[case.address] = _live_agent(pane, case.profile, subject, world) if pane else LiveAgent()
        orphans[case.address] = _orphan(case, world)
        executables[case.address] = world.processes.find(case.profile.command[0], subject.env.get("PATH", ""))
    return replace(snapshot, artifacts=artifacts, agents=agents, executables=executables, orphans=orphans)


def _orphan(case: Case, world: World) -> int:
    """The recorded process, when it is still that very process and its session is gone; else 0."""
    recorded = case.row.pane if case.row else None
    if recorded is None or not recorded.started or not isinstance(case.pane, Absent):
        return 0
    lives = world.processes.started(recorded.pid) == Present(recorded.started)
    return recorded.pid if lives else 0


def _subject(case: Case, snapshot: Snapshot, files: Files, caller: Caller) -> Subject:
    started_with = case.wanted or (case.row.started_with if case.row else None)
    cwd = files.real(started_with.cwd) if started_with else ""
    own = visible_env(case.spec, case.row, snapshot.secrets)
    env = {**caller.env, **own}
    return Subject(cwd, env.get("HOME") or caller.home, env)


def _artifact(case: Case, profile: Profile, subject: Subject, files: Files) -> Observed[Artifact]:
    """The stored conversation that a start would lead into."""
    wanted = case.spec.resume if case.spec and case.spec.resume not in {"auto", "never"} else case.identity.session_id
    if not wanted:
        return ABSENT
    for pattern in profile.artifacts(subject, wanted):
        match files.find(pattern):
            case Unknown() as unknown:
                return unknown
            case Present(paths) if paths:
                return _judged(paths[0], profile.proof, files)
    return ABSENT


def _judged(path: str, proof: bytes, files: Files) -> Observed[Artifact]:
    if not proof:
        return Present(Artifact(path, resumable=True))
    match files.contains(path, proof):
        case Present(proven):
            return Present(Artifact(path, resumable=proven))
        case other:
            return other


def _live_agent(pane: Pane, profile: Profile, subject: Subject, world: World) -> LiveAgent:
    """What the agent does: by the CLI's own note if it is about this very process, else by the title."""
    if pane.dead:
        return LiveAgent()
    by_title = LiveAgent(profile.activity(pane.title))
    notes = (_note(path, profile, world.files) for path in _note_paths(profile, subject, pane.pid, world.files))
    note = next((note for note in notes if note and _is_about(note, pane.pid, world.processes)), None)
    if note is None:
        return by_title
    if note.agent.activity is Activity.UNKNOWN:
        return replace(note.agent, activity=by_title.activity)
    return note.agent


def _note_paths(profile: Profile, subject: Subject, pid: int, files: Files) -> Iterator[str]:
    for pattern in profile.notes(subject, pid):
        match files.find(pattern):
            case Present(paths):
                yield from paths


def _note(path: str, profile: Profile, files: Files) -> LiveNote | None:
    data = files.read(path)
    return profile.read_note(path, data.value) if isinstance(data, Present) else None


def _is_about(note: LiveNote, pid: int, processes: Processes) -> bool:
    if note.pid is not None and note.pid != pid:
        return False
    return note.started is None or processes.started(pid) == Present(note.started)


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
    return Present(TmuxState(Server("", 0, 0), panes))

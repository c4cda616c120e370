"""What single agents are up to, and what is stored of their conversations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.agents.profile import LiveNote, Profile, Subject
from reconciler.kinds.agent.case import Case
from reconciler.kinds.agent.conversation import next_conversation
from reconciler.kinds.agent.spec import visible_env
from reconciler.model.address import Address
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.snapshot import Activity, Artifact, LiveAgent, Pane, Snapshot
from reconciler.ports.world import Files, Processes, World

_SCREEN_LINES = 40


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever runs the command: their home folder and environment."""

    home: str
    env: Mapping[str, str] = field(repr=False)


def with_facts(snapshot: Snapshot, asked: Iterable[Case], world: World, caller: Caller) -> Snapshot:
    """The snapshot with what had to be looked up about the agents that are asked for."""
    artifacts: dict[Address, Observed[Artifact]] = {}
    agents: dict[Address, LiveAgent] = {}
    executables: dict[Address, Observed[str]] = {}
    orphans: dict[Address, int] = {}
    for case in asked:
        if case.profile is None or isinstance(case.pane, Unknown):
            continue
        subject = subject_of(case, snapshot, world.files, caller)
        pane = case.adoptee or (case.pane.value if isinstance(case.pane, Present) else None)
        talks = live_agent(pane, case.profile, subject, world) if pane else LiveAgent()
        agents[case.address] = talks
        artifacts[case.address] = _stored(next_conversation(case, talks), case.profile, subject, world.files)
        orphans[case.address] = _orphan(case, world)
        executables[case.address] = world.processes.find(case.profile.command[0], subject.env.get("PATH", ""))
    return replace(snapshot, artifacts=artifacts, agents=agents, executables=executables, orphans=orphans)


def subject_of(case: Case, snapshot: Snapshot, files: Files, caller: Caller) -> Subject:
    """The agent as its profile wants to know it: its real folder, and its environment over the caller's."""
    started_with = case.wanted or (case.row.started_with if case.row else None)
    cwd = files.real(started_with.cwd) if started_with else ""
    own = visible_env(case.spec, case.row, snapshot.secrets)
    env = {**caller.env, **own}
    return Subject(cwd, env.get("HOME") or caller.home, env)


def _orphan(case: Case, world: World) -> int:
    """The recorded process, when it is still that very process and its session is gone; else 0."""
    recorded = case.row.pane if case.row else None
    if recorded is None or not recorded.started or not isinstance(case.pane, Absent):
        return 0
    lives = world.processes.started(recorded.pid) == Present(recorded.started)
    return recorded.pid if lives else 0


# --- stored conversations ---------------------------------------------------------------------


def _stored(wanted: str, profile: Profile, subject: Subject, files: Files) -> Observed[Artifact]:
    """The stored conversation with this id."""
    if not wanted:
        return ABSENT
    for pattern in profile.artifacts(subject, wanted):
        match files.find(pattern):
            case Unknown() as unknown:
                return unknown
            case Present(paths) if paths:
                return _judged(paths[0], profile.proof, files)
    return row_in_database(profile, subject, wanted, files)


def _judged(path: str, proof: bytes, files: Files) -> Observed[Artifact]:
    if not proof:
        return Present(Artifact(path, resumable=True))
    match files.contains(path, proof):
        case Present(proven):
            return Present(Artifact(path, resumable=proven))
        case other:
            return other


def row_in_database(profile: Profile, subject: Subject, wanted: str, files: Files) -> Observed[Artifact]:
    """The stored conversation with this id, of a CLI that keeps them in a database."""
    query = profile.row_of(subject, wanted)
    found = files.find(query.pattern) if query else ABSENT
    if query is None or not isinstance(found, Present):
        return found if isinstance(found, Unknown) else ABSENT
    for path in found.value:
        match files.query(path, query.statement, query.parameters):
            case Unknown() as unknown:
                return unknown
            case Present(rows):
                heads = [head for row in rows if (head := profile.read_row(row))]
                if any(head.id == wanted and not head.hidden for head in heads):
                    return Present(Artifact(path, resumable=True))
    return ABSENT


# --- running agents ---------------------------------------------------------------------------


def live_agent(pane: Pane, profile: Profile, subject: Subject, world: World) -> LiveAgent:
    """What the agent does, and in which conversation, by the surest witness that knows.

    First the CLI's own note about its process, then what its processes hold open, then the pane's
    title, and its screen only when nothing else tells what it does.
    """
    if pane.dead:
        return LiveAgent()
    family = world.processes.family(pane.pid) or (pane.pid,)
    noted = _noted(profile, subject, family, world)
    conversation = noted.conversation or _held(profile, family, world.processes)
    activity = noted.activity if noted.activity is not Activity.UNKNOWN else profile.activity(pane.title)
    if activity is not Activity.UNKNOWN:
        return LiveAgent(activity, conversation)
    seen = profile.screen(_screen(pane, profile, world), "")
    return LiveAgent(seen.activity, conversation, seen.dialog)


def _noted(profile: Profile, subject: Subject, family: tuple[int, ...], world: World) -> LiveAgent:
    """What the CLI wrote down about one of these very processes."""
    for pid in family:
        for note in _notes(profile, subject, pid, world.files):
            if _is_about(note, pid, world.processes):
                return note.agent
    return LiveAgent()


def _notes(profile: Profile, subject: Subject, pid: int, files: Files) -> Iterator[LiveNote]:
    for pattern in profile.notes(subject, pid):
        match files.find(pattern):
            case Present(paths):
                yield from (note for path in paths if (note := _note(path, profile, files)))


def _note(path: str, profile: Profile, files: Files) -> LiveNote | None:
    data = files.read(path)
    return profile.read_note(path, data.value) if isinstance(data, Present) else None


def _is_about(note: LiveNote, pid: int, processes: Processes) -> bool:
    if note.pid is not None and note.pid != pid:
        return False
    return note.started is None or processes.started(pid) == Present(note.started)


def _held(profile: Profile, family: tuple[int, ...], processes: Processes) -> str:
    """The conversation whose files one of the processes has open; several make it unsure."""
    if not profile.proves_by_files:
        return ""
    opened = [processes.open_files(pid) for pid in family]
    paths = {path for each in opened if isinstance(each, Present) for path in each.value}
    ids = {profile.held(path) for path in paths} - {""}
    return ids.pop() if len(ids) == 1 else ""


def _screen(pane: Pane, profile: Profile, world: World) -> list[str]:
    return world.tmux.screen(pane.pane_id, _SCREEN_LINES).splitlines() if profile.reads_screens else []

"""What a running agent does, by the most reliable source that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.binding import LiveNote
from reconciler.agents.profile import Profile
from reconciler.agents.program_names import name_of
from reconciler.agents.screen import classify_screen
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.wrapper import is_cli, is_parent
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.observed import Present
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Files, Processes, World

from .held_conversation import held_conversation

_SCREEN_LINES = 40
_LAST_LINES = 12  # lines that may hold what a CLI prints at its exit
_CLOCK_SLACK = 2  # seconds: the start of a process is known to about one second


def live_agent(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> LiveAgent:
    """What the agent does, and in which conversation.

    The sources, in order: the CLI's own note about its process, the files that its processes have open, the pane's
    title. The screen is read only when these do not show the activity, or when a title says idle. For an agent that
    has ended, the last lines of its screen may name the conversation.
    """
    if pane.dead:
        return LiveAgent(conversation=conversation_on_screen(pane, profile, world))
    if profile.launch.wrap and (instead := outlived_by(pane, profile, world.processes)):
        return LiveAgent(missing=instead)
    own = reported_state(pane, profile, subject, world)
    if own.activity is Activity.UNKNOWN or profile.display.activity(pane.title) is Activity.IDLE:
        return with_screen(own, pane, profile, world)
    return own


def outlived_by(pane: Pane, profile: Profile, processes: Processes) -> str:
    """The program that runs in the pane when its CLI does not, behind a wrapper; empty when the CLI may run.

    A wrapper may start its command late, and may go on after it. A CLI that a wrapper put out of sight is no child of
    it, so only wrappers that are known to stay its parent, and shells, show that it does not run.
    """
    lines = processes.foreground(pane.pid, wrapped=True)
    if not lines or any(is_cli(words, profile) or not is_parent(words, profile) for words in lines):
        return ""
    return name_of(lines[-1])


def with_screen(own: LiveAgent, pane: Pane, profile: Profile, world: World) -> LiveAgent:
    """Combine what the CLI itself reports with what its screen shows."""
    return combined(own, classify_screen(profile.display.rules(), _screen(pane, profile, world)))


def combined(own: LiveAgent, shown: LiveAgent) -> LiveAgent:
    """The CLI's own report, except that a start dialog on the screen beats `idle`: CLIs report idle behind one.

    A permission prompt on the screen does not beat the report: it may be an old one that was left there.
    """
    if own.activity is Activity.UNKNOWN or (own.activity is Activity.IDLE and shown.activity is Activity.DIALOG):
        return LiveAgent(shown.activity, own.conversation, shown.dialog)
    return own


def reported_state(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> LiveAgent:
    """What the CLI itself reports about a living agent: by its notes, its open files and its title."""
    binding = profile.binding
    if not binding.shows_in_processes:
        return LiveAgent(profile.display.activity(pane.title))
    family = _family(pane, profile, world.processes)
    noted = _noted(pane, profile, subject, family, world) if binding.leaves_notes else LiveAgent()
    conversation = noted.conversation or held_conversation(pane, profile, subject, world)
    activity = _busier(noted.activity, profile.display.activity(pane.title))
    return LiveAgent(activity, conversation, since=noted.since if activity is noted.activity else 0)


def _busier(noted: Activity, titled: Activity) -> Activity:
    """The activity in the note, unless it says idle while the title shows work: notes may be late."""
    if noted is Activity.UNKNOWN or (noted is Activity.IDLE and titled is Activity.BUSY):
        return titled
    return noted


def conversation_on_screen(pane: Pane, profile: Profile, world: World) -> str:
    """The conversation that the CLI of an ended agent printed at its exit; empty when it printed none."""
    if not profile.shutdown.resume_line:
        return ""
    found = re.findall(profile.shutdown.resume_line, world.tmux.screen(pane.pane_id, _LAST_LINES))
    return found[-1] if found else ""


class DatedNote(Struct, frozen=True):
    """A CLI's own note about one of its processes; `written` is Unix seconds."""

    note: LiveNote
    written: float


def notes_at(patterns: Iterable[str], profile: Profile, files: Files) -> Iterator[DatedNote]:
    """The CLI's own notes about its processes."""
    for pattern in patterns:
        match files.find(pattern):
            case Present(paths):
                yield from (noted for path in paths if (noted := _read(path, profile, files)))


def is_about(noted: DatedNote, pid: int, processes: Processes, inner: int = 0) -> bool:
    """True when the note is about the process that has this pid now.

    A killed CLI leaves its notes behind, and pids are reused, soon after a reboot. If the note does not contain the
    start of its process, it must not be older than the process. `inner` is the pid in another pid namespace, where the
    process wrote the note. As every namespace has the same small pids, the start has to prove it then.
    """
    note = noted.note
    if note.pid is not None and note.pid != (inner or pid):
        return False
    if note.started is not None:
        return processes.started(pid) == Present(note.started)
    if inner not in {0, pid}:
        return False
    since = processes.since(pid)
    return isinstance(since, Present) and since.value <= noted.written + _CLOCK_SLACK


def _family(pane: Pane, profile: Profile, processes: Processes) -> Iterator[tuple[int, int]]:
    """The pids of the agent's processes, each with the one in its own namespace; the pane's own process first.

    The others are looked up only if the caller goes on, because that takes long.
    """
    wrapped = bool(profile.launch.wrap)
    yield pane.pid, pane.pid
    for pid in processes.family(pane.pid, wrapped=wrapped)[1:]:
        yield pid, processes.inner_pid(pid) if wrapped else pid


def _noted(
    pane: Pane, profile: Profile, subject: AgentEnvironment, family: Iterable[tuple[int, int]], world: World
) -> LiveAgent:
    """What the CLI's note says about the first of these processes that has one.

    Of several notes of one kind, the newest counts: Copilot 1.0.68 begins a conversation before it resumes another
    one, and keeps the notes of both. A note that may be another agent's does not count.
    """
    for pid, inner in family:
        for pattern in profile.binding.notes(subject, inner):
            notes = notes_at((pattern,), profile, world.files)
            own = [noted for noted in notes if is_about(noted, pid, world.processes, inner)]
            if not own:
                continue
            newest = max(own, key=lambda noted: noted.written)
            is_known = newest.note.agent.conversation == pane.conversation
            if is_known or inner == pid or not _has_twin(pid, inner, world.processes):
                return replace(newest.note.agent, since=newest.written)
    return LiveAgent()


def _has_twin(pid: int, inner: int, processes: Processes) -> bool:
    """Whether a process in another pid namespace has the same pid there and began in the same clock tick.

    With one home, both write the same note, and nothing in it says which of them did so last.
    """
    started = processes.started(pid)
    return any(processes.started(each) == started for each in processes.called(inner) if each != pid)


def _read(path: str, profile: Profile, files: Files) -> DatedNote | None:
    data, facts = files.read(path), files.facts(path)
    note = profile.binding.read_note(path, data.value) if isinstance(data, Present) else None
    return DatedNote(note, facts.value[0]) if note and isinstance(facts, Present) else None


def _screen(pane: Pane, profile: Profile, world: World) -> list[str]:
    return world.tmux.screen(pane.pane_id, _SCREEN_LINES).splitlines() if profile.display.reads_screens else []

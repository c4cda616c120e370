"""What a running agent is up to, by the surest witness that knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from reconciler.agents.binding import LiveNote
from reconciler.agents.profile import Profile
from reconciler.agents.screen import classify_screen
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.observed import Present
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Files, Processes, World

from .held_conversation import held_conversation

_SCREEN_LINES = 40
_LAST_WORDS = 12
_CLOCK_SLACK = 2  # seconds: the start of a process is known to about one


def live_agent(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> LiveAgent:
    """What the agent does, and in which conversation.

    First the CLI's own note about its process, then what its processes hold open, then the pane's
    title, and its screen only when nothing else tells what it does, or a title says that it is idle. One that
    has ended may have said its conversation with its last words.
    """
    if pane.dead:
        return LiveAgent(conversation=last_words(pane, profile, world))
    own = own_word(pane, profile, subject, world)
    if own.activity is Activity.UNKNOWN or profile.display.activity(pane.title) is Activity.IDLE:
        return with_screen(own, pane, profile, world)
    return own


def with_screen(own: LiveAgent, pane: Pane, profile: Profile, world: World) -> LiveAgent:
    """What the CLI itself says, and its screen: the second look at one that says it is idle."""
    return together(own, classify_screen(profile.display.rules(), _screen(pane, profile, world)))


def together(own: LiveAgent, seen: LiveAgent) -> LiveAgent:
    """Its own word counts, but for a dialog of its start: a CLI may say that it is idle behind one.

    A question for a permission that it does not tell of may only have been left on the screen.
    """
    if own.activity is Activity.UNKNOWN or (own.activity is Activity.IDLE and seen.activity is Activity.DIALOG):
        return LiveAgent(seen.activity, own.conversation, seen.dialog)
    return own


def own_word(pane: Pane, profile: Profile, subject: AgentEnvironment, world: World) -> LiveAgent:
    """What the CLI itself says a living agent does, in its notes, its open files and its title."""
    binding = profile.binding
    if not binding.speaks_by_processes:
        return LiveAgent(profile.display.activity(pane.title))
    noted = _noted(profile, subject, _family(pane, world.processes), world) if binding.leaves_notes else LiveAgent()
    conversation = noted.conversation or held_conversation(pane, profile, subject, world)
    return LiveAgent(_busier(noted.activity, profile.display.activity(pane.title)), conversation)


def _busier(noted: Activity, titled: Activity) -> Activity:
    """The note counts, but one that says idle is no match for a title that shows work: it may be late."""
    if noted is Activity.UNKNOWN or (noted is Activity.IDLE and titled is Activity.BUSY):
        return titled
    return noted


def last_words(pane: Pane, profile: Profile, world: World) -> str:
    """The conversation that an ended agent named in its farewell; empty when it named none."""
    if not profile.shutdown.resume_line:
        return ""
    said = re.findall(profile.shutdown.resume_line, world.tmux.screen(pane.pane_id, _LAST_WORDS))
    return said[-1] if said else ""


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


def is_about(noted: DatedNote, pid: int, processes: Processes) -> bool:
    """True when the note is about the very process that has this pid now.

    A killed CLI leaves its notes behind, and pids come again, after a reboot soon: where the note does not tell
    the start of its process, it must not be older than that.
    """
    note = noted.note
    if note.pid is not None and note.pid != pid:
        return False
    if note.started is not None:
        return processes.started(pid) == Present(note.started)
    since = processes.since(pid)
    return isinstance(since, Present) and since.value <= noted.written + _CLOCK_SLACK


def _family(pane: Pane, processes: Processes) -> Iterator[int]:
    """The pane's own process first, and the others only for who wants them: they take long to find."""
    yield pane.pid
    yield from processes.family(pane.pid)[1:]


def _noted(profile: Profile, subject: AgentEnvironment, family: Iterable[int], world: World) -> LiveAgent:
    """What the CLI wrote down about one of these very processes."""
    for pid in family:
        for noted in notes_at(profile.binding.notes(subject, pid), profile, world.files):
            if is_about(noted, pid, world.processes):
                return noted.note.agent
    return LiveAgent()


def _read(path: str, profile: Profile, files: Files) -> DatedNote | None:
    data, facts = files.read(path), files.facts(path)
    note = profile.binding.read_note(path, data.value) if isinstance(data, Present) else None
    return DatedNote(note, facts.value[0]) if note and isinstance(facts, Present) else None


def _screen(pane: Pane, profile: Profile, world: World) -> list[str]:
    return world.tmux.screen(pane.pane_id, _SCREEN_LINES).splitlines() if profile.display.reads_screens else []

"""How it is proved which conversation a running process of a CLI has."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from reconciler.model.activity import LiveAgent

from .defaults import nothing, nowhere
from .storage import StoredHead
from .subject import AgentEnvironment


class LiveNote(Struct, frozen=True):
    """What a CLI wrote down about one of its running processes."""

    agent: LiveAgent
    # The start of the process in clock ticks since boot, the guard against a reused pid.
    started: int | None = None
    # The process; None when the note does not say.
    pid: int | None = None


def _no_conversation(_path: str) -> str:
    return ""


def titles_tell_nothing(_title: str, _head: StoredHead) -> None:
    """The judgement of a CLI whose pane titles never name a conversation."""


class Binding(Struct, frozen=True):
    """What ties a running process to its conversation: the CLI's notes, the files that it holds, its pane's title."""

    # Where the CLI writes about the process with this id.
    notes: Callable[[AgentEnvironment, int], tuple[str, ...]] = nowhere
    # Reads such a note, by its path and its content; None for anything else. A note may be about another process.
    read_note: Callable[[str, bytes], LiveNote | None] = nothing
    # Where the notes of all processes are that may be in a conversation.
    users: Callable[[AgentEnvironment, str], tuple[str, ...]] = nowhere
    # The conversation that a process has in use which holds the file at this path open; empty when that proves none.
    held: Callable[[str], str] = _no_conversation
    # It holds such a file before anything was said.
    held_from_start: bool = False
    # Whether a pane's title names a stored conversation; None when the title does not tell.
    names: Callable[[str, StoredHead], bool | None] = titles_tell_nothing

    @property
    def proves_by_files(self) -> bool:
        """True when an open file tells which conversation a process has."""
        return self.held is not _no_conversation

    @property
    def leaves_notes(self) -> bool:
        """True when the CLI writes down what its processes do."""
        return self.notes is not nowhere

    @property
    def speaks_by_processes(self) -> bool:
        """True when notes about a process, or the files that it has open, tell anything."""
        return self.leaves_notes or self.proves_by_files

    @property
    def titles_name(self) -> bool:
        """True when the title of a pane can name the conversation in it."""
        return self.names is not titles_tell_nothing

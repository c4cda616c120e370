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
    # The start of the process in clock ticks since boot, which protects against a reused pid.
    started: int | None = None
    # The pid of the process; None when the note does not contain it.
    pid: int | None = None


def _no_conversation(_path: str) -> str:
    return ""


def titles_name_nothing(_title: str, _head: StoredHead) -> None:
    """The default: the CLI's pane titles never name a conversation."""


class Binding(Struct, frozen=True):
    """What shows which conversation a running process has: the CLI's notes, open files, the pane's title."""

    # Glob patterns of the notes that the CLI may have written about the process with this pid.
    notes: Callable[[AgentEnvironment, int], tuple[str, ...]] = nowhere
    # Reads a note, from its path and content; None when it is something else. A note may be about another process.
    read_note: Callable[[str, bytes], LiveNote | None] = nothing
    # True when a note always contains the start of its process, beside the pid.
    dates_notes: bool = False
    # Glob patterns of the notes of all processes that may use the conversation with this id.
    users: Callable[[AgentEnvironment, str], tuple[str, ...]] = nowhere
    # The conversation that a process uses if it has the file at this path open; empty when that proves nothing.
    held: Callable[[str], str] = _no_conversation
    # True when the CLI opens that file at its start, before the first prompt.
    held_from_start: bool = False
    # Whether a pane's title names a stored conversation; None when the title does not show it.
    names: Callable[[str, StoredHead], bool | None] = titles_name_nothing

    @property
    def proves_by_files(self) -> bool:
        """True when an open file shows which conversation a process has."""
        return self.held is not _no_conversation

    @property
    def leaves_notes(self) -> bool:
        """True when the CLI writes notes about its processes."""
        return self.notes is not nowhere

    @property
    def shows_in_processes(self) -> bool:
        """True when notes about a process, or the files that it has open, can show its conversation."""
        return self.leaves_notes or self.proves_by_files

    @property
    def titles_name(self) -> bool:
        """True when the title of a pane can name the conversation in it."""
        return self.names is not titles_name_nothing

"""What the agent CLIs keep on disk."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class StoredConversation(Struct, frozen=True):
    """One conversation on disk. `size` is bytes; it and the times, Unix seconds, are 0 where nothing tells.

    `bound` names the sessions that have, or had, this conversation.
    """

    workspace: str
    type: str
    id: str
    path: str
    last_used: int
    size: int
    bound: tuple[str, ...]
    started: int = 0


class EntryKind(StrEnum):
    """What a name on disk stands for, a link not followed."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class Entry(Struct, frozen=True):
    """One name on disk. `changed` is Unix seconds, `size` bytes; `mine` means owned by who asks."""

    path: str
    kind: EntryKind
    size: int = 0
    changed: int = 0
    links: int = 1
    mine: bool = True


class Part(Struct, frozen=True):
    """A file or a folder of a conversation: `entries` is itself, then all that is in it.

    `root` is the real folder of the CLI that it is in; empty when it is in none, or behind a link.
    """

    path: str
    root: str
    entries: tuple[Entry, ...]


class ConversationData(Struct, frozen=True):
    """All that a CLI has stored of one conversation: files in `artifacts` and `parts`, or rows of a `database`."""

    artifacts: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    database: str = ""

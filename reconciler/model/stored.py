"""What the agent CLIs store on disk."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class StoredConversation(Struct, frozen=True):
    """One conversation on disk.

    `size` is in bytes, times are Unix seconds; each is 0 when unknown. `bound` names the sessions that have or had this
    conversation.
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
    """The kind of an entry on disk. A link is not followed."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class Entry(Struct, frozen=True):
    """One entry on disk. `changed` is Unix seconds, `size` bytes; `mine` is true if this user owns it."""

    path: str
    kind: EntryKind
    size: int = 0
    changed: int = 0
    links: int = 1
    mine: bool = True


class Part(Struct, frozen=True):
    """A file or folder of a conversation. `entries` lists itself first, then everything in it.

    `root` is the real path of the CLI's folder that contains it; empty if there is none, or if a link leads to it.
    """

    path: str
    root: str
    entries: tuple[Entry, ...]


class ConversationData(Struct, frozen=True):
    """Everything that a CLI stores for one conversation: files in `artifacts` and `parts`, or rows in a `database`."""

    artifacts: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    database: str = ""

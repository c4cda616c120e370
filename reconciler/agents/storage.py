"""Where a CLI stores its conversations, and what is in them: files, or rows of a database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from .defaults import nothing, nowhere
from .message import StoredMessage
from .subject import AgentEnvironment

HEAD_BYTES = 1 << 16  # how much of a file `read_head` gets: in some files, the first line is long


class StoredHead(NamedTuple):
    """What the beginning of a stored conversation contains."""

    id: str
    # Its folder; empty when that is not stored.
    cwd: str = ""
    # True when it is not a conversation with a user: a subtask, or a run without a screen.
    hidden: bool = False
    # For a CLI that stores only a digest of the folder: the name of the algorithm, a colon, the digest.
    cwd_digest: str = ""
    # Unix seconds; 0 when that is not stored.
    started: int = 0
    title: str = ""


class Query(NamedTuple):
    """A read-only query to each SQLite database that the glob `pattern` finds."""

    pattern: str
    statement: str
    parameters: tuple[str, ...] = ()


class UserMessage(NamedTuple):
    """What a user said, in a row of a database: its id, the conversation that it is in, the text."""

    id: str
    conversation: str
    text: str


def _unknown_follows(_version: str) -> None:
    """The default: it is not known whether the CLI resumes from another folder."""


class Storage(Struct, frozen=True):
    """The files and folders of a CLI's conversations, as glob patterns. For a database, see `Database`."""

    # The folders that contain everything the CLI stores.
    roots: Callable[[AgentEnvironment], tuple[str, ...]] = nowhere
    # The environment variables that change these folders.
    variables: tuple[str, ...] = ()
    # The artifact of the conversation with an id: where it may be, the best place first.
    artifacts: Callable[[AgentEnvironment, str], tuple[str, ...]] = nowhere
    # True when one conversation may have more than one artifact.
    several_files: bool = False
    # What else belongs to the conversation whose artifact is at this path.
    belongs: Callable[[str], tuple[str, ...]] = nowhere
    # All conversations of the workspace; those of all workspaces if the CLI does not sort them by folder.
    stores: Callable[[AgentEnvironment], tuple[str, ...]] = nowhere
    # Reads such a file, from its path and its first HEAD_BYTES; None when it is not a conversation.
    read_head: Callable[[str, bytes], StoredHead | None] = nothing
    # Whether this version of the CLI (empty when unknown) resumes a conversation from another folder than it began in;
    # None when that is not known.
    follows: Callable[[str], bool | None] = _unknown_follows
    # How a resume can lose turns, and what avoids that, in words.
    fragile_resume: str = ""

    @property
    def keeps_files(self) -> bool:
        """True when it is known in which files the CLI stores a conversation."""
        return self.artifacts is not nowhere

    @property
    def follows_is_known(self) -> bool:
        """True when it was tested whether the CLI resumes from another folder."""
        return self.follows is not _unknown_follows

    @property
    def follows_by_version(self) -> bool:
        """True when it depends on the CLI's version whether it resumes from another folder."""
        return self.follows_is_known and self.follows("") is None


class Database(Struct, frozen=True):
    """The database of a CLI that stores its conversations as rows."""

    # The query for all conversations of the folder.
    rows: Callable[[AgentEnvironment], Query | None] = nothing
    # The query for the conversation with an id.
    row_of: Callable[[AgentEnvironment, str], Query | None] = nothing
    # Reads a row of either answer; None when it is not a conversation.
    read_row: Callable[[Sequence[object]], StoredHead | None] = nothing
    # The query for how much of a conversation is stored; its only row is another one after each change.
    size_of: Callable[[AgentEnvironment, str], Query | None] = nothing
    # The CLI's own command that deletes the conversation `{session_id}`.
    delete_row: tuple[str, ...] = ()

    @property
    def keeps_rows(self) -> bool:
        """True when the CLI stores conversations in a database that we can read."""
        return self.rows is not nothing

    @property
    def finds_by_id(self) -> bool:
        """True when the database can be queried for one conversation."""
        return self.row_of is not nothing


class Transcript(Struct, frozen=True):
    """What a stored conversation contains."""

    # A file can be resumed when it contains these bytes; when this is empty, every file can.
    proof: bytes = b""
    # A regular expression for what the CLI stores around a prompt; the prompt is its only group.
    wrapped: str = ""
    # True when the format of the file is not known, as with an SQLite database: a prompt is found by its words alone.
    opaque: bool = False
    # The query for what users said last in the conversations of the folder.
    said: Callable[[AgentEnvironment], Query | None] = nothing
    # Reads a row of the answer; None when it is not a text of a user.
    read_said: Callable[[Sequence[object]], UserMessage | None] = nothing
    # Reads what was said from one JSON object of a file; None when it is something else.
    read_message: Callable[[Mapping[str, Any]], StoredMessage | None] = nothing
    # Reads all that was said from a file that is one JSON document.
    read_document: Callable[[Mapping[str, Any]], Iterable[StoredMessage] | None] = nothing
    # A later message with the id of an earlier one takes its place; else it is a part of it.
    rewrites: bool = False
    # Asks a database for the last that was said in a conversation, the newest first.
    messages_of: Callable[[AgentEnvironment, str], Query | None] = nothing
    # Reads an answer to that; None when it is something else.
    read_message_row: Callable[[Sequence[object]], StoredMessage | None] = nothing

    @property
    def reads_messages(self) -> bool:
        """True when it is known how the CLI stores what was said."""
        return self.read_message is not nothing or self.messages_of is not nothing or self.read_document is not nothing


def is_of(head: StoredHead, cwd: str) -> bool | None:
    """True when a conversation belongs to the folder with the real path `cwd`; None when that is not stored."""
    if head.cwd_digest:
        algorithm, _, digest = head.cwd_digest.partition(":")
        found = hashlib.new(algorithm, cwd.encode("utf-8", "surrogateescape"), usedforsecurity=False)
        return found.hexdigest() == digest
    return head.cwd == cwd if head.cwd else None

"""Where a CLI stores its conversations, and what is in them: files, or rows of a database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from .defaults import nothing, nowhere
from .subject import AgentEnvironment

HEAD_BYTES = 1 << 16  # how much of a stored conversation `read_head` is to be given: line 1 of some is long


class StoredHead(NamedTuple):
    """What the beginning of a stored conversation tells."""

    id: str
    # Its folder; empty when it does not tell.
    cwd: str = ""
    # A hidden one is no conversation of a user: a subtask, or a run without a screen.
    hidden: bool = False
    # Where it tells only a digest of the folder: the name of the algorithm, a colon, the digest.
    cwd_digest: str = ""
    # Unix seconds, 0 when it does not tell.
    started: int = 0
    title: str = ""


class Query(NamedTuple):
    """A question to the SQLite databases that the glob `pattern` finds; to be asked read-only."""

    pattern: str
    statement: str
    parameters: tuple[str, ...] = ()


class Said(NamedTuple):
    """What a user said, in a row of a database: its id, the conversation that it is in, the text."""

    id: str
    conversation: str
    text: str


def _unknown_follows(_version: str) -> None:
    """The judgement of a CLI that nobody has tried to resume in from another folder."""


class Storage(Struct, frozen=True):
    """The files and folders of a CLI's conversations, as glob patterns; of a database, see `Database`."""

    # The folders that everything is under.
    roots: Callable[[AgentEnvironment], tuple[str, ...]] = nowhere
    # The environment variables that move them.
    variables: tuple[str, ...] = ()
    # Where the conversation with an id is stored, the best place first: its artifact.
    artifacts: Callable[[AgentEnvironment, str], tuple[str, ...]] = nowhere
    # One conversation may have more than one artifact.
    several_files: bool = False
    # What else belongs to the conversation whose artifact is at this path.
    belongs: Callable[[str], tuple[str, ...]] = nowhere
    # Every conversation of the workspace, or of all workspaces where the CLI does not sort them.
    stores: Callable[[AgentEnvironment], tuple[str, ...]] = nowhere
    # What one of these is, by its path and its first HEAD_BYTES; None when it is no conversation.
    read_head: Callable[[str, bytes], StoredHead | None] = nothing
    # Whether a CLI of this version (empty when unknown) resumes a conversation from another folder than the one that
    # it began in; None when nobody knows.
    follows: Callable[[str], bool | None] = _unknown_follows
    # How a resume can lose turns, and what avoids it, in words.
    fragile_resume: str = ""

    @property
    def keeps_files(self) -> bool:
        """True when it is known in which files the CLI stores a conversation."""
        return self.artifacts is not nowhere

    @property
    def follows_is_known(self) -> bool:
        """True when somebody has tried to resume in it from another folder."""
        return self.follows is not _unknown_follows

    @property
    def follows_by_version(self) -> bool:
        """True when the CLI's version tells whether it resumes from another folder."""
        return self.follows_is_known and self.follows("") is None


class Database(Struct, frozen=True):
    """The rows of a CLI that keeps its conversations in a database."""

    # Asks for every conversation of the folder.
    rows: Callable[[AgentEnvironment], Query | None] = nothing
    # Asks for the conversation with an id.
    row_of: Callable[[AgentEnvironment, str], Query | None] = nothing
    # Reads an answer to either; None when it is no conversation.
    read_row: Callable[[Sequence[object]], StoredHead | None] = nothing
    # The CLI's own command that deletes the conversation `{session_id}`.
    delete_row: tuple[str, ...] = ()

    @property
    def keeps_rows(self) -> bool:
        """True when the CLI keeps what was said in a database that we can read."""
        return self.rows is not nothing

    @property
    def finds_by_id(self) -> bool:
        """True when it can be asked for one conversation."""
        return self.row_of is not nothing


class Transcript(Struct, frozen=True):
    """What is in a stored conversation, as far as it proves something."""

    # A file is resumable when it holds these bytes; with none of them, every file is.
    proof: bytes = b""
    # A regular expression that finds a prompt, its one group, in what the CLI stores around it.
    wrapped: str = ""
    # Nobody has described what is in a file, an SQLite database: only that words come into it.
    opaque: bool = False
    # Asks a database for what users said last in the conversations of the folder.
    said: Callable[[AgentEnvironment], Query | None] = nothing
    # Reads an answer to that; None when no user said it.
    read_said: Callable[[Sequence[object]], Said | None] = nothing


def is_of(head: StoredHead, cwd: str) -> bool | None:
    """Whether a conversation belongs to the folder with the real path `cwd`; None when it does not tell."""
    if head.cwd_digest:
        algorithm, _, digest = head.cwd_digest.partition(":")
        found = hashlib.new(algorithm, cwd.encode("utf-8", "surrogateescape"), usedforsecurity=False)
        return found.hexdigest() == digest
    return head.cwd == cwd if head.cwd else None

"""What exists and no manifest declares, as `adopt` finds it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from .desired import Git, RunState
from .diagnostic import Place


class FoundAgent(Struct, frozen=True):
    """An agent that some file or tmux server knows, as a manifest could declare it.

    `source` says where it was found, for the reader: "the registry", "tmux", "tmuxp file lab.yaml".
    """

    source: str
    workspace: str
    agent: str
    type: str
    path: str
    """The workspace's folder, absolute; empty when nothing tells."""
    role: str = "creator"
    session: str = ""
    """The name of its tmux session, as the source says it."""
    live: bool = False
    """Whether the session runs now."""
    state: RunState = RunState.RUNNING
    command: tuple[str, ...] = ()
    """What starts it, where its type is not one that reconciler knows."""
    args: tuple[str, ...] = ()
    """Arguments as the CLI gets them, as are the values of `env`: a `${NAME}` in them is no variable."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables by name. A value that looks like a secret is never in here: see `LeftAlone`."""
    conversation: str = ""
    """The id of its conversation; empty when it is not known."""
    known_by: str = ""
    """How the conversation is known: "recorded in claude_session_id_own", "its process holds it open"."""
    prompt: str = ""
    """The first prompt of a new conversation."""
    git: Git | None = None
    """The workspace is a worktree."""
    row: str = ""
    """The name of its row in the registry, where it has one."""
    protect: bool = False
    ignore: tuple[str, ...] = ()
    """Differences that the manifest does not act on: what it was started with and nobody knows any more."""
    notes: tuple[str, ...] = ()
    """What else the reader should know of it, as clauses."""
    place: Place | None = None


class LeftAlone(Struct, frozen=True):
    """Something that was found and is not taken over: what it is, why not, and what the user can do."""

    what: str
    why: str
    fix: str = ""
    place: Place | None = None


class Findings(Struct, frozen=True):
    """All that one source tells."""

    agents: tuple[FoundAgent, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()


class OlderShape(StrEnum):
    """How a file of an older tool differs from ours; one warning is printed for each kind."""

    ID_ONLY_IN_ROW = "id_only_in_row"
    IDENTITIES_AT_TOP = "identities_at_top"
    ID_AS_TEXT = "id_as_text"
    """An identity that is the id itself, not a mapping that holds it."""
    NAME_ONLY = "name_only"
    """A row without workspace, role or agent: they are read from the session's name."""
    STATUS_IS_TEXT = "status_is_text"
    """Free text in the place of a status: it becomes the note."""
    NO_STATUS = "no_status"
    """A row without `status`, whose other keys tell it."""
    LIST_OF_SESSIONS = "list_of_sessions"
    NUMBER_AS_TEXT = "number_as_text"
    FLAG_AS_TEXT = "flag_as_text"
    TEXT_AS_NUMBER = "text_as_number"
    """A word without quotes that YAML takes for a number or a flag, in the place of a text."""
    FOREIGN_KEY = "foreign_key"
    """A key of another tool that has the name of one of ours."""
    JOB_RECORD = "job_record"
    PLAIN_LOGIN = "plain_login"
    """A broker login that stands in a job record in plain text."""


class Assumption(Struct, frozen=True):
    """What was read in a way that the file does not say by itself, with its place."""

    shape: OlderShape
    subject: str
    """What it is about, as a path in the file: sessions.lab-page-creator-claude.pane.pid"""
    found: str
    """What the file says, short enough for one line."""
    assumed: str
    """What that was taken for."""
    place: Place

"""What `adopt` finds: agents that exist, but that no manifest declares."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from .desired import Git, RunState
from .diagnostic import Place


class FoundAgent(Struct, frozen=True):
    """An agent that a file or tmux server knows, in the form in which a manifest could declare it."""

    source: str
    """Where it was found, in words for the user: "the registry", "tmux", "tmuxp file lab.yaml"."""
    workspace: str
    agent: str
    type: str
    path: str
    """The workspace's folder, absolute; empty when it is unknown."""
    role: str = "creator"
    session: str = ""
    """The name of its tmux session, as the source gives it."""
    live: bool = False
    """Whether the session runs now."""
    state: RunState = RunState.RUNNING
    command: tuple[str, ...] = ()
    """The command that starts it, when reconciler does not know its type."""
    args: tuple[str, ...] = ()
    """The arguments exactly as the CLI gets them. Here and in `env`, a `${NAME}` is plain text, not a variable."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables by name. A value that looks like a secret is never included: it is reported as `LeftAlone`."""
    conversation: str = ""
    """The id of its conversation; empty when it is not known."""
    known_by: str = ""
    """How the conversation is known: "recorded in claude_session_id_own", "its process holds it open"."""
    prompt: str = ""
    """The first prompt of a new conversation."""
    git: Git | None = None
    """The git worktree that the workspace is, if it is one."""
    row: str = ""
    """The name of its row in the registry; empty if it has none."""
    protect: bool = False
    depends_on: tuple[str, ...] = ()
    """The addresses of agents that start first."""
    ignore: tuple[str, ...] = ()
    """Fields whose differences are ignored, because it is unknown with what the agent was started."""
    notes: tuple[str, ...] = ()
    """Notes for the user that are true now and may not be tomorrow, without a full stop."""
    comments: tuple[str, ...] = ()
    """Facts that stay true: shown in the plan, and written as a comment into a new manifest. Without a full stop."""
    place: Place | None = None


class LeftAlone(Struct, frozen=True):
    """Something that was found but is not adopted: what it is, why not, and what the user can type."""

    what: str
    why: str
    fix: str = ""
    place: Place | None = None


class Findings(Struct, frozen=True):
    """Everything that was found in one source."""

    agents: tuple[FoundAgent, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()


class OlderShape(StrEnum):
    """How a file of an older tool differs from ours. Each kind gets one warning."""

    ID_ONLY_IN_ROW = "id_only_in_row"
    IDENTITIES_AT_TOP = "identities_at_top"
    ID_AS_TEXT = "id_as_text"
    """An identity that is only the id, instead of a mapping with the id."""
    NAME_ONLY = "name_only"
    """A row without workspace, role or agent. They are read from the session's name."""
    STATUS_IS_TEXT = "status_is_text"
    """Free text instead of a status. It becomes the note."""
    NO_STATUS = "no_status"
    """A row without `status`. Its other keys show the status."""
    LIST_OF_SESSIONS = "list_of_sessions"
    NUMBER_AS_TEXT = "number_as_text"
    FLAG_AS_TEXT = "flag_as_text"
    TEXT_AS_NUMBER = "text_as_number"
    """A word without quotes where text is expected. YAML reads it as a number or a flag."""
    FOREIGN_KEY = "foreign_key"
    """A key of another tool with the same name as one of ours."""
    JOB_RECORD = "job_record"
    PLAIN_LOGIN = "plain_login"
    """A job record that contains a broker login in plain text."""


class Assumption(Struct, frozen=True):
    """A value that had to be interpreted, because the file does not say clearly what it means."""

    shape: OlderShape
    subject: str
    """What it is about, as a path in the file: sessions.lab-page-creator-claude.pane.pid"""
    found: str
    """What the file says, short enough for one line."""
    assumed: str
    """How it was interpreted."""
    place: Place

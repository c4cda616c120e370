"""What will be done and why: actions, and the steps they are made of.

The reason is for people and scripts to read; nothing decides by it. The steps are the whole
truth of what apply does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .address import Address
from .desired import EnvVar, Git
from .record import Json, RowEdit


class Verb(StrEnum):
    """What happens to one resource as a whole."""

    CREATE = "create"
    RESUME = "resume"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    FORGET = "forget"
    DEFER = "defer"
    NOOP = "no-op"


class Reason(StrEnum):
    """Why; a stable code, published in the JSON plan."""

    NONE = ""
    DECLARED = "declared"  # in the manifest, not there yet
    SESSION_GONE = "session_gone"
    AGENT_EXITED = "agent_exited"  # its pane is dead, or holds something else
    SPEC_CHANGED = "spec_changed"
    LABEL_CHANGED = "label_changed"
    SESSION_RENAMED = "session_renamed"
    STATE_CHANGED = "state_changed"  # the wanted state is another one
    UNRECORDED = "unrecorded"  # live and ours, but the registry does not know it
    REQUESTED = "requested"  # --replace, --destroy, import
    NOT_DECLARED = "not_declared"  # no longer in any manifest
    KEPT_DIRTY = "kept_uncommitted_work"
    KEPT_UNPUSHED = "kept_unpushed_work"
    KEPT_NOT_EMPTY = "kept_not_empty"
    KEPT_NOT_OURS = "kept_not_ours"
    KEPT_IN_USE = "kept_in_use"
    PROTECTED = "protected"
    BUSY = "busy"
    WAITING = "waiting_for_permission"
    UNCERTAIN = "uncertain"  # git could not tell
    WITHHELD = "withheld"  # a diagnostic says why nothing may be done


class ConversationMode(StrEnum):
    """How the agent's conversation continues when its session starts."""

    NEW = "new"  # never had one: an id is chosen at launch
    RESUME = "resume"
    FRESH_SAME_ID = "fresh_same_id"  # the id was reserved, nothing was said yet
    FRESH_NEW_ID = "fresh_new_id"  # the old id can be neither resumed nor reused
    NONE = "none"  # the agent's type keeps no conversations that we know of


@dataclass(frozen=True, slots=True)
class Conversation:
    """The conversation that a start leads into; `id` is empty while it is not chosen yet.

    `previous` are the agent's earlier conversations, which stay listed.
    """

    mode: ConversationMode
    id: str = ""
    previous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `op` is add, remove or replace; sensitive values are never carried."""

    path: str
    op: str
    before: Json = None
    after: Json = None
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """Make a missing folder, its parents included."""

    path: str


@dataclass(frozen=True, slots=True)
class AddWorktree:
    """Make `path` a worktree of `git.repo` on `git.branch`, creating the branch when missing."""

    path: str
    git: Git


@dataclass(frozen=True, slots=True)
class RemoveFolder:
    """Remove a folder that is empty; anything in it makes the step fail."""

    path: str


@dataclass(frozen=True, slots=True)
class RemoveWorktree:
    """Remove a clean worktree; uncommitted or unpushed work makes the step fail."""

    path: str
    repo: str
    branch: str


@dataclass(frozen=True, slots=True)
class StartSession:
    """Create and tag one session, and see that the agent runs in it.

    `args` follow `command`; both may hold `{session_id}`, filled in when the conversation's id
    is known. `prompt` goes last, and only into a conversation that begins. `row` is what the
    registry will say, but for the facts that only the start brings; `recorded_as` is the name that
    the row has until now, when it is another one.
    """

    session: str
    address: Address
    type: str
    cwd: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvVar, ...]
    conversation: Conversation
    row: Mapping[str, Json]
    recorded_as: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class StopSession:
    """End the agent by its own means, then the session; `quit` is typed unless it is empty."""

    session: str
    session_id: str
    pane_id: str
    pid: int
    quit: str = ""


@dataclass(frozen=True, slots=True)
class RenameSession:
    """Give a live session another name; its agent does not notice."""

    session_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TagSession:
    """Mark a live session as ours, at `address`, in `conversation` if that is known."""

    session_id: str
    session: str
    address: Address
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class WriteRows:
    """Change the registry, and nothing else."""

    edits: tuple[RowEdit, ...]


Step: TypeAlias = (
    MakeFolder
    | AddWorktree
    | RemoveFolder
    | RemoveWorktree
    | StartSession
    | StopSession
    | RenameSession
    | TagSession
    | WriteRows
)


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to one address, in steps, after everything that it `needs`.

    `note` is one clause for the user. `ends_session` says that a live agent goes away and does not
    come back. `basis` names the live facts that the decision rests on: a saved plan is stale when
    they differ.
    """

    address: Address
    verb: Verb
    reason: Reason = Reason.NONE
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    conversation: Conversation | None = None
    needs: tuple[Address, ...] = ()
    session: str = ""
    note: str = ""
    ends_session: bool = False
    basis: str = ""

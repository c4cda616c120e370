"""The steps that actions are made of: the whole truth of what apply does.

Each step is atomic, can be done twice, and its outcome can be looked at. `do` is its published name, `phase` the part
of an apply that does it: None for a step that goes along with the others of its action.
A plan without changes never needs this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from msgspec import Struct

from .address import Address
from .conversation import Conversation
from .desired import EnvVar, Git
from .phase import Phase
from .record import Json, RowEdit
from .snapshot import TmuxTarget


class MakeFolder(Struct, frozen=True):
    """Make a missing folder, its parents included."""

    do: ClassVar[str] = "make_folder"
    phase: ClassVar[Phase | None] = Phase.MAKE
    path: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.path


class AddWorktree(Struct, frozen=True):
    """Make `path` a worktree of `git.repo` on `git.branch`, creating the branch when missing."""

    do: ClassVar[str] = "add_worktree"
    phase: ClassVar[Phase | None] = Phase.MAKE
    path: str
    git: Git

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.path


class RemoveFolder(Struct, frozen=True):
    """Remove a folder that is empty; anything in it makes the step fail."""

    do: ClassVar[str] = "remove_folder"
    phase: ClassVar[Phase | None] = Phase.REMOVE
    path: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.path


class RemoveWorktree(Struct, frozen=True):
    """Remove a clean worktree; uncommitted or unpushed work makes the step fail."""

    do: ClassVar[str] = "remove_worktree"
    phase: ClassVar[Phase | None] = Phase.REMOVE
    path: str
    repo: str
    branch: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.path


class KeepCopy(Struct, frozen=True):
    """Copy a stored conversation aside, before a start that may destroy it."""

    do: ClassVar[str] = "keep_copy"
    phase: ClassVar[Phase | None] = None
    path: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.path


class TrustFolder(Struct, frozen=True):
    """Add `folder` to those that the CLI of agent type `type` trusts, in its own settings at `path`."""

    do: ClassVar[str] = "trust_folder"
    phase: ClassVar[Phase | None] = None
    type: str
    path: str
    folder: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return f"{self.folder} in {self.path}"


class DeleteArtifact(Struct, frozen=True):
    """Delete a file or folder of a stored conversation; `root` is the CLI's own folder that it is in."""

    do: ClassVar[str] = "delete_artifact"
    phase: ClassVar[Phase | None] = None
    path: str
    root: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.path


class StartSession(Struct, frozen=True):
    """Create and tag one session, and see that the agent runs in it.

    `args` follow `command`; both may hold `{session_id}`, filled in when the conversation's id
    is known. `since` are switches among them that older versions of the CLI refuse, with the version that
    brought each. With `draws`, the CLI is known to show something once it is up. `prompt` are the last
    arguments, for a conversation that begins. `row` is what the registry will say, but for the facts that
    only the start brings; `recorded_as` is the name that the row has until now, when it is another one.
    """

    do: ClassVar[str] = "start_session"
    phase: ClassVar[Phase | None] = Phase.START
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
    prompt: tuple[str, ...] = ()
    since: tuple[tuple[str, str], ...] = ()
    draws: bool = False

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.session


class AwaitConversation(Struct, frozen=True):
    """Wait, for a while, until it is proved which conversation the agent of a session began."""

    do: ClassVar[str] = "await_conversation"
    phase: ClassVar[Phase | None] = None
    session: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.session


class StopSession(Struct, frozen=True):
    """End the agent by its own means, then the session, of a guest its pane alone; `quit` is typed unless it is empty.

    `resume_line` is a regular expression that finds its conversation in what it prints when it ends;
    `known` are the conversations that it is known to have, the present one first. `started` is the recorded start of
    its process, 0 when unknown.
    """

    do: ClassVar[str] = "stop_session"
    phase: ClassVar[Phase | None] = Phase.END
    session: str
    at: TmuxTarget
    quit: str = ""
    resume_line: str = ""
    known: tuple[str, ...] = ()
    started: int = 0

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.session


class RenameSession(Struct, frozen=True):
    """Give a live session another name; its agent does not notice."""

    do: ClassVar[str] = "rename_session"
    phase: ClassVar[Phase | None] = Phase.LABEL
    at: TmuxTarget
    before: str
    after: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return f"{self.before} -> {self.after}"


class TagSession(Struct, frozen=True):
    """Mark a live session as ours, at `address`, in `conversation` if that is known."""

    do: ClassVar[str] = "tag_session"
    phase: ClassVar[Phase | None] = Phase.LABEL
    at: TmuxTarget
    session: str
    address: Address
    conversation: str = ""

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return self.session


class ConvergeBroker(Struct, frozen=True):
    """Give a broker its files, let it read them, and see that it works; else the last good ones come back."""

    do: ClassVar[str] = "converge_broker"
    phase: ClassVar[Phase | None] = Phase.BROKER
    address: Address
    effect: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return f"{self.address} ({self.effect})"


class StopBroker(Struct, frozen=True):
    """End the process that was started on the files in `directory`; the files stay."""

    do: ClassVar[str] = "stop_broker"
    phase: ClassVar[Phase | None] = Phase.BROKER
    address: Address
    directory: str

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return f"{self.address} in {self.directory}"


class WriteRows(Struct, frozen=True):
    """Change the registry, and nothing else."""

    do: ClassVar[str] = "write_registry"
    phase: ClassVar[Phase | None] = None
    edits: tuple[RowEdit, ...]

    @property
    def target(self) -> str:
        """What it is done to, for the user."""
        return ", ".join(f"{edit.section}.{edit.name}" for edit in self.edits)


Step: TypeAlias = (
    MakeFolder
    | AddWorktree
    | RemoveFolder
    | RemoveWorktree
    | KeepCopy
    | TrustFolder
    | DeleteArtifact
    | StartSession
    | AwaitConversation
    | StopSession
    | RenameSession
    | TagSession
    | ConvergeBroker
    | StopBroker
    | WriteRows
)

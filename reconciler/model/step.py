"""The steps of actions. apply does nothing else than these.

Each step is atomic, can be repeated, and its result can be checked. `do` is its published name. `phase` is the phase of
an apply in which it is done; a step with None is done with the other steps of its action.
A plan without changes never loads this module.
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
    """Create a missing folder and its parents."""

    do: ClassVar[str] = "make_folder"
    phase: ClassVar[Phase | None] = Phase.MAKE
    path: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.path


class AddWorktree(Struct, frozen=True):
    """Create `path` as a worktree of `git.repo` on `git.branch`. A missing branch is created."""

    do: ClassVar[str] = "add_worktree"
    phase: ClassVar[Phase | None] = Phase.MAKE
    path: str
    git: Git

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.path


class RemoveFolder(Struct, frozen=True):
    """Remove an empty folder. The step fails if the folder is not empty."""

    do: ClassVar[str] = "remove_folder"
    phase: ClassVar[Phase | None] = Phase.REMOVE
    path: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.path


class RemoveWorktree(Struct, frozen=True):
    """Remove a clean worktree. The step fails if there is uncommitted or unpushed work."""

    do: ClassVar[str] = "remove_worktree"
    phase: ClassVar[Phase | None] = Phase.REMOVE
    path: str
    repo: str
    branch: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.path


class KeepCopy(Struct, frozen=True):
    """Back up a stored conversation before a start that may destroy it."""

    do: ClassVar[str] = "keep_copy"
    phase: ClassVar[Phase | None] = None
    path: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.path


class TrustFolder(Struct, frozen=True):
    """Add `folder` to the trusted folders in the settings file `path` of the CLI of agent type `type`."""

    do: ClassVar[str] = "trust_folder"
    phase: ClassVar[Phase | None] = None
    type: str
    path: str
    folder: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return f"{self.folder} in {self.path}"


class DeleteArtifact(Struct, frozen=True):
    """Delete a file or folder of a stored conversation. `root` is the folder of the CLI that contains it."""

    do: ClassVar[str] = "delete_artifact"
    phase: ClassVar[Phase | None] = None
    path: str
    root: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.path


class StartSession(Struct, frozen=True):
    """Create and tag one session, and check that the agent runs in it."""

    do: ClassVar[str] = "start_session"
    phase: ClassVar[Phase | None] = Phase.START
    session: str
    address: Address
    type: str
    cwd: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    """The arguments after `command`. Both may contain `{session_id}`, which is filled in when the id is known."""
    env: tuple[EnvVar, ...]
    conversation: Conversation
    row: Mapping[str, Json]
    """The fields for the registry, without those that are known only after the start."""
    workspace_path: str = ""
    """The folder of the workspace, if it is another one than `cwd`."""
    wrap: tuple[str, ...] = ()
    """The words before `command`."""
    path: tuple[str, ...] = ()
    """The folders that come first in the agent's PATH."""
    recorded_as: str = ""
    """The present name of the row, if the session gets another name."""
    prompt: tuple[str, ...] = ()
    """The last arguments, if the conversation is new."""
    since: tuple[tuple[str, str], ...] = ()
    """Flags that older versions of the CLI refuse, each with the first version that has it."""
    draws: bool = False
    """Whether the CLI always draws something on its screen when it is ready."""

    @property
    def program(self) -> str:
        """The program that is started first: the wrapper's if there is one."""
        return (*self.wrap, *self.command)[0]

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.session


class AwaitConversation(Struct, frozen=True):
    """Wait, up to a limit, until it is proved which conversation the agent of a session has begun."""

    do: ClassVar[str] = "await_conversation"
    phase: ClassVar[Phase | None] = None
    session: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.session


class StopSession(Struct, frozen=True):
    """Ask the agent to quit, then end its session. If its pane is in another session, end only the pane."""

    do: ClassVar[str] = "stop_session"
    phase: ClassVar[Phase | None] = Phase.END
    session: str
    at: TmuxTarget
    quit: str = ""
    """What to type to end the agent; nothing is typed if empty."""
    resume_line: str = ""
    """A regular expression that finds the conversation's id in the last output of the agent."""
    known: tuple[str, ...] = ()
    """The conversations that the agent is known to have, the present one first."""
    started: int = 0
    """The recorded start of its process; 0 when unknown."""
    wrapped: bool = False
    """Whether a wrapper may have put the agent into another terminal session."""

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.session


class RenameSession(Struct, frozen=True):
    """Rename a live session. Its agent does not notice."""

    do: ClassVar[str] = "rename_session"
    phase: ClassVar[Phase | None] = Phase.LABEL
    at: TmuxTarget
    before: str
    after: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return f"{self.before} -> {self.after}"


class TagSession(Struct, frozen=True):
    """Tag a live session as ours, with its `address` and, if known, its `conversation`."""

    do: ClassVar[str] = "tag_session"
    phase: ClassVar[Phase | None] = Phase.LABEL
    at: TmuxTarget
    session: str
    address: Address
    conversation: str = ""

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return self.session


class ConvergeBroker(Struct, frozen=True):
    """Write the files of a broker, let it read them, and check that it works. If not, restore the last good files."""

    do: ClassVar[str] = "converge_broker"
    phase: ClassVar[Phase | None] = Phase.BROKER
    address: Address
    effect: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return f"{self.address} ({self.effect})"


class StopBroker(Struct, frozen=True):
    """End the broker process that uses the files in `directory`. The files stay."""

    do: ClassVar[str] = "stop_broker"
    phase: ClassVar[Phase | None] = Phase.BROKER
    address: Address
    directory: str

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
        return f"{self.address} in {self.directory}"


class WriteRows(Struct, frozen=True):
    """Edit the registry and do nothing else."""

    do: ClassVar[str] = "write_registry"
    phase: ClassVar[Phase | None] = None
    edits: tuple[RowEdit, ...]

    @property
    def target(self) -> str:
        """What the step changes, in words for the user."""
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

"""The shape of an agent profile, and how its templates are filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.model.snapshot import Activity, LiveAgent

SESSION_ID = "{session_id}"


@dataclass(frozen=True, slots=True)
class Subject:
    """The agent whose traces are looked for. `cwd` is a real path; `env` is what the agent sees."""

    cwd: str
    home: str
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LiveNote:
    """What a CLI wrote down about one of its running processes.

    `started` is the process' start in clock ticks since boot, the guard against a reused pid.
    """

    agent: LiveAgent
    started: int | None = None


def _no_artifacts(_subject: Subject, _conversation: str) -> tuple[str, ...]:
    return ()


def _no_note(_subject: Subject, _pid: int) -> str:
    return ""


def _unreadable(_data: bytes) -> LiveNote | None:
    return None


def unknown_activity(_title: str) -> Activity:
    """The judgement of a CLI whose title tells nothing."""
    return Activity.UNKNOWN


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything the product knows about one agent CLI.

    `new` and `resume` are arguments with `{session_id}` in them; `quit` is the text that ends the
    CLI at its prompt. `artifacts` gives glob patterns for a conversation id, best first; an artifact
    is resumable when it holds the bytes `proof`. `note` is the path of the CLI's own note about a
    process id, `read_note` reads one. `activity` judges by the pane title alone.
    `tells_activity` is true when the CLI can be asked what it does, so that "unknown" means "do not type".
    """

    name: str
    command: tuple[str, ...]
    new: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    quit: str = ""
    proof: bytes = b""
    tells_activity: bool = False
    has_artifacts: bool = False
    artifacts: Callable[[Subject, str], tuple[str, ...]] = _no_artifacts
    note: Callable[[Subject, int], str] = _no_note
    read_note: Callable[[bytes], LiveNote | None] = _unreadable
    activity: Callable[[str], Activity] = unknown_activity

    @property
    def chooses_id(self) -> bool:
        """True when we may choose the id of a new conversation."""
        return any(SESSION_ID in part for part in self.new)

    @property
    def resumes(self) -> bool:
        """True when a conversation can be continued by its id."""
        return any(SESSION_ID in part for part in self.resume)


def filled(template: tuple[str, ...], conversation: str) -> tuple[str, ...]:
    """The template with the conversation id in its place."""
    return tuple(part.replace(SESSION_ID, conversation) for part in template)

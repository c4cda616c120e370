"""What is stored about every apply, so that you can look it up and go back to it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from .digits import number_in
from .errors import UsageError
from .record import Json


class ManifestFile(Struct, frozen=True):
    """One manifest at the time of the apply.

    `path` is relative to the project folder, or absolute if it is outside. `digest` is the digest of its content,
    `mode` its permission bits.
    """

    path: str
    digest: str
    mode: int


class AgentThen(Struct, frozen=True):
    """One managed agent, as the registry had it. `by_hand` is true if a user stopped or archived it with a command."""

    session: str
    status: str
    conversation: str = ""
    by_hand: bool = False


class Author(Struct, frozen=True):
    """Who ran the command, and from where: user@host, the folder, and the terminal, `CI` or an empty text."""

    who: str
    cwd: str
    terminal: str = ""


class GenerationResult(Struct, frozen=True):
    """How an apply ended.

    `events` are the lines of `apply --json`, without the agents' screens. `agents` are all managed agents afterwards.
    `brokers` has the digests of each broker's rendered files, by path.
    """

    finished: str
    exit_code: int
    summary: Mapping[str, int]
    remaining: tuple[str, ...] = ()
    events: tuple[Mapping[str, Json], ...] = ()
    agents: Mapping[str, AgentThen] = field(default_factory=dict)
    brokers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Generation(Struct, frozen=True):
    """One apply: its manifests, its plan and its result.

    It is written before the work begins, without a `result`, and again when the work has ended. `at` is UTC, ISO 8601
    with a Z. `before` has the managed agents by address when the apply began, as the generation before left them.
    `narrowed` is true if the manifests were named on the command line, so that other manifests do not count.
    """

    number: int
    at: str
    operation: str
    author: Author
    tool_version: str
    manifests: tuple[ManifestFile, ...]
    plan: Mapping[str, Json]
    reason: str = ""
    automatic: bool = False
    narrowed: bool = False
    before: Mapping[str, AgentThen] = field(default_factory=dict)
    result: GenerationResult | None = None


class Confirmation(Struct, frozen=True):
    """An apply that is undone unless a user confirms it within `within` seconds.

    `deadline` is UTC, ISO 8601 with a Z, and empty while the apply still works. A pid alone could belong to a later
    process, so each process also has its start time, as in the lock. `expired` is true while the apply is being undone.
    """

    id: str
    generation: int
    back_to: int
    within: float
    deadline: str = ""
    boot_id: str = ""
    apply_pid: int = 0
    apply_started: int = 0
    watchdog_pid: int = 0
    watchdog_started: int = 0
    expired: bool = False


def generation_number(text: str) -> int:
    """The generation number that a user typed. Raises UsageError if it is not a number."""
    number = number_in(text)
    if number is None:
        raise UsageError(f"{text!r} is not the number of a generation", fix="list them with `reconciler history`")
    return number

"""What is kept of every apply, so that it can be looked at and gone back to."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from .digits import number_in
from .errors import UsageError
from .record import Json


class ManifestFile(Struct, frozen=True):
    """One manifest as it was: its path from the project folder on (absolute outside of it), and its content's digest.

    `mode` are its permission bits.
    """

    path: str
    digest: str
    mode: int


class AgentThen(Struct, frozen=True):
    """One managed agent, as the registry had it. `by_hand` says that a user had put it to rest with a command."""

    session: str
    status: str
    conversation: str = ""
    by_hand: bool = False


class Author(Struct, frozen=True):
    """Who did something, and from where: user@host, a folder, and a terminal, `CI`, or nothing."""

    who: str
    cwd: str
    terminal: str = ""


class GenerationResult(Struct, frozen=True):
    """How the work ended. `events` are the lines of `apply --json`, without the agents' screens.

    `agents` are all managed ones afterwards; `brokers` the digests of their rendered files, by path.
    """

    finished: str
    exit_code: int
    summary: Mapping[str, int]
    remaining: tuple[str, ...] = ()
    events: tuple[Mapping[str, Json], ...] = ()
    agents: Mapping[str, AgentThen] = field(default_factory=dict)
    brokers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Generation(Struct, frozen=True):
    """One apply: the manifests it followed, its plan, and what became of it.

    It is written before the work begins, without a `result`, and once more when it has ended. `at` is UTC, ISO
    8601 with a Z. `before` are the managed agents by address when it began: how the generation before it was left.
    `narrowed` says that the manifests were named on the command line, so that others do not count.
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
    """An apply that is taken back unless somebody confirms it.

    `deadline` is UTC, ISO 8601 with a Z, and empty while the apply still works. The processes are named by id
    and start, as the lock names its holder. `expired` says that it is being taken back.
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
    """The number that a user types for a generation. Raises UsageError for anything else."""
    number = number_in(text)
    if number is None:
        raise UsageError(f"{text!r} is no number of a generation", fix="list them with `reconciler history`")
    return number

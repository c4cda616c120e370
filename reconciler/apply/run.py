"""The settings and callbacks of one apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from reconciler.model.action import Action
from reconciler.model.desired import EnvOrigin, EnvVar
from reconciler.model.observed import Observed, Unknown
from reconciler.model.plan import Drift
from reconciler.model.redacted import Redacted

INTERRUPTED = "not done: interrupted"


class ApplyTimeouts(Struct, frozen=True):
    """Timeouts of an apply, in seconds."""

    settle: float = 0.5
    """How long a new agent must run before its start counts as done."""
    sign: float = 3.0
    """How long its screen may stay blank before `settle` begins anyway."""
    swallowed: float = 2.0
    """How long an agent may take to quit before the Enter after its quit command counts as lost."""
    quit: float = 10.0
    """How long an agent may take to quit before it gets SIGTERM."""
    terminate: float = 5.0
    """How long an agent may take to end after SIGTERM."""
    hang_up: float = 2.0
    """How long processes may outlive their session before they get SIGTERM, and once more after that."""
    conversation: float = 30.0
    """How long the next agent in a queue waits for the conversation of the one before it."""


def _proves_nothing(_action: Action) -> Observed[Drift]:
    return Unknown("conversations are not looked up in this run")


def _runs_nothing(_var: EnvVar) -> Observed[str]:
    return Unknown("no command runs in this run")


def _knows_no_version(_command: str, _env: Mapping[str, str]) -> str:
    return ""


class Run(Redacted, frozen=True):
    """The settings and callbacks of one apply."""

    lineage: str
    """The registry's id: the tag of every session that is ours."""
    now: str
    """UTC, ISO 8601 with a Z."""
    new_id: Callable[[], str]
    """Makes the id of a new conversation."""
    interrupted: Callable[[], bool]
    """True when the user pressed Ctrl-C; asked before each new piece of work."""
    secrets: Mapping[tuple[EnvOrigin, str], Observed[str]]
    """The values behind `from_env` and `from_file`."""
    keep: str
    """The folder for copies of conversations."""
    project: str = ""
    """The project's folder, another tag of every session that is ours."""
    parallelism: int = 0
    """How many agents are worked on at a time; 0 for all of them."""
    patience: ApplyTimeouts = field(default_factory=ApplyTimeouts)
    proved: Callable[[Action], Observed[Drift]] = _proves_nothing
    """Finds the conversation that an agent began: `Absent` while nothing proves it, `Unknown` if nothing will."""
    secret_of: Callable[[EnvVar], Observed[str]] = _runs_nothing
    """Runs the command of a variable and returns what it prints; `Unknown` says why there is no value."""
    version: Callable[[str, Mapping[str, str]], str] = _knows_no_version
    """Returns the version of a program in an environment; empty when it is not known."""

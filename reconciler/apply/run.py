"""The circumstances of one apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from reconciler.model.action import Action
from reconciler.model.desired import EnvOrigin
from reconciler.model.discreet import Discreet
from reconciler.model.observed import Observed, Unknown
from reconciler.model.plan import Drift

INTERRUPTED = "not done: interrupted"


class ApplyTimeouts(Struct, frozen=True):
    """Seconds to wait at most, for an agent to do what it was asked.

    `settle` is how long a new agent must live before its start counts as done, `sign` how long its screen may
    stay blank until that time begins. `swallowed` is how long a farewell may take before its Enter counts as lost.
    `conversation` is how long the next one in a line waits for the conversation of the one before it.
    """

    settle: float = 0.5
    sign: float = 3.0
    swallowed: float = 2.0
    quit: float = 10.0
    terminate: float = 5.0
    hang_up: float = 2.0
    conversation: float = 30.0


def _nobody_looks(_action: Action) -> Observed[Drift]:
    return Unknown("nobody looks")


def _nobody_asks(_command: str, _env: Mapping[str, str]) -> str:
    return ""


class Run(Discreet, frozen=True):
    """Who applies (`lineage`), with which means, and until when.

    `keep` is the folder for copies of conversations. `parallelism` is how many agents start at a
    time, 0 for all of them; `interrupted` is asked before each new piece of work. `proved` tells which
    conversation a started agent began: `Absent` while nothing proves it, `Unknown` when nothing will.
    `version` is that of a program in an environment, empty when it is unknown.
    `now` is UTC, ISO 8601 with a Z.
    """

    lineage: str
    now: str
    new_id: Callable[[], str]
    interrupted: Callable[[], bool]
    secrets: Mapping[tuple[EnvOrigin, str], Observed[str]]
    keep: str
    parallelism: int = 0
    patience: ApplyTimeouts = field(default_factory=ApplyTimeouts)
    proved: Callable[[Action], Observed[Drift]] = _nobody_looks
    version: Callable[[str, Mapping[str, str]], str] = _nobody_asks

"""What apply tells while it works. Whoever calls apply records and shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from .action import Verb
from .address import Address
from .record import RowEdit


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """Work on an address begins; told once, in the order of the plan."""

    type: ClassVar[Literal["action_start"]] = "action_start"
    address: Address
    verb: Verb


@dataclass(frozen=True, slots=True)
class ActionWaiting:
    """An agent runs; what comes after it waits until its conversation is known."""

    type: ClassVar[Literal["action_waiting"]] = "action_waiting"
    address: Address
    verb: Verb


@dataclass(frozen=True, slots=True)
class ActionDone:
    """An address is as wanted, and that was verified."""

    type: ClassVar[Literal["action_complete"]] = "action_complete"
    address: Address
    verb: Verb
    message: str = ""
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class ActionFailed:
    """An address is not as wanted; `detail` may hold the last lines of the agent's screen."""

    type: ClassVar[Literal["action_failed"]] = "action_failed"
    address: Address
    verb: Verb
    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PromptUnverified:
    """An agent runs, and nothing shows that it took the prompt that it was started with."""

    type: ClassVar[Literal["prompt_unverified"]] = "prompt_unverified"
    address: Address
    verb: Verb
    message: str


@dataclass(frozen=True, slots=True)
class ActionSkipped:
    """An address was not touched: it was deferred, interrupted, or something it needs failed."""

    type: ClassVar[Literal["action_skipped"]] = "action_skipped"
    address: Address
    verb: Verb
    message: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The edits must be in the registry before apply goes on."""

    edits: tuple[RowEdit, ...]


Told: TypeAlias = ActionStarted | ActionWaiting | ActionDone | ActionFailed | ActionSkipped | PromptUnverified
Event: TypeAlias = Told | Checkpoint

"""The events that apply yields while it works. The caller stores and shows them."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

from .action import Verb
from .address import Address
from .record import RowEdit


class ActionStarted(Struct, frozen=True):
    """Work on an address begins. There is one of these per address, in the order of the plan."""

    type: ClassVar[Literal["action_start"]] = "action_start"
    address: Address
    verb: Verb


class ActionWaiting(Struct, frozen=True):
    """An agent runs. The agents after it wait until its conversation is known."""

    type: ClassVar[Literal["action_waiting"]] = "action_waiting"
    address: Address
    verb: Verb


class ActionDone(Struct, frozen=True):
    """An address is as declared, and that was verified."""

    type: ClassVar[Literal["action_complete"]] = "action_complete"
    address: Address
    verb: Verb
    message: str = ""
    conversation: str = ""


class ActionFailed(Struct, frozen=True):
    """An address is not as declared. `detail` may hold the last lines of the agent's screen."""

    type: ClassVar[Literal["action_failed"]] = "action_failed"
    address: Address
    verb: Verb
    message: str
    detail: str = ""


class PromptUnverified(Struct, frozen=True):
    """An agent runs, but nothing shows that it took its first prompt."""

    type: ClassVar[Literal["prompt_unverified"]] = "prompt_unverified"
    address: Address
    verb: Verb
    message: str


class ActionSkipped(Struct, frozen=True):
    """An address was not touched: it was deferred, interrupted, or something it needs failed."""

    type: ClassVar[Literal["action_skipped"]] = "action_skipped"
    address: Address
    verb: Verb
    message: str


class Checkpoint(Struct, frozen=True):
    """Edits that must be in the registry before apply continues."""

    edits: tuple[RowEdit, ...]


ActionEvent: TypeAlias = ActionStarted | ActionWaiting | ActionDone | ActionFailed | ActionSkipped | PromptUnverified
Event: TypeAlias = ActionEvent | Checkpoint

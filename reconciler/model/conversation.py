"""The conversation that an agent has when it starts."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ConversationMode(StrEnum):
    """How the agent's conversation continues when its session starts."""

    NEW = "new"  # the agent never had one; an id is chosen at the start
    RESUME = "resume"
    FRESH_SAME_ID = "fresh_same_id"  # the id was reserved, but the conversation is empty
    FRESH_NEW_ID = "fresh_new_id"  # the old id can neither be resumed nor reused
    NONE = "none"  # the agent's type stores no conversations that reconciler knows
    REFUSE_AMBIGUOUS = "refuse_ambiguous"  # stored ones may belong to the agent, but nothing proves it
    REFUSE_ELSEWHERE = "refuse_elsewhere"  # another live process has it open
    REFUSE_MISSING = "refuse_missing"  # it was stored, but is missing now
    REFUSE_MOVED = "refuse_moved"  # its CLI finds it only in the folder where it began
    UNKNOWN = "unknown"  # the stored conversations could not be read

    @property
    def refuses(self) -> bool:
        """True when the agent must not be started."""
        return self in _REFUSALS


_REFUSALS = {
    ConversationMode.REFUSE_AMBIGUOUS,
    ConversationMode.REFUSE_ELSEWHERE,
    ConversationMode.REFUSE_MISSING,
    ConversationMode.REFUSE_MOVED,
    ConversationMode.UNKNOWN,
}


class Conversation(Struct, frozen=True):
    """The conversation that an agent starts with.

    `id` is empty until it is chosen. `previous` are the agent's earlier conversations, which the registry keeps.
    """

    mode: ConversationMode
    id: str = ""
    previous: tuple[str, ...] = ()

"""The conversation that an agent's start leads into."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ConversationMode(StrEnum):
    """How the agent's conversation continues when its session starts."""

    NEW = "new"  # never had one: an id is chosen at launch
    RESUME = "resume"
    FRESH_SAME_ID = "fresh_same_id"  # the id was reserved, nothing was said yet
    FRESH_NEW_ID = "fresh_new_id"  # the old id can be neither resumed nor reused
    NONE = "none"  # the agent's type keeps no conversations that we know of
    REFUSE_AMBIGUOUS = "refuse_ambiguous"  # stored ones may be its own, and nothing proves it
    REFUSE_ELSEWHERE = "refuse_elsewhere"  # another living process has it
    REFUSE_MISSING = "refuse_missing"  # it was stored once, and is not there now
    REFUSE_MOVED = "refuse_moved"  # its CLI finds it only from the folder that it began in
    UNKNOWN = "unknown"  # what is stored could not be looked at

    @property
    def refuses(self) -> bool:
        """True when an agent must not be started like this."""
        return self in _REFUSALS


_REFUSALS = {
    ConversationMode.REFUSE_AMBIGUOUS,
    ConversationMode.REFUSE_ELSEWHERE,
    ConversationMode.REFUSE_MISSING,
    ConversationMode.REFUSE_MOVED,
    ConversationMode.UNKNOWN,
}


class Conversation(Struct, frozen=True):
    """The conversation that a start leads into; `id` is empty while it is not chosen yet.

    `previous` are the agent's earlier conversations, which stay listed.
    """

    mode: ConversationMode
    id: str = ""
    previous: tuple[str, ...] = ()

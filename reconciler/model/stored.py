"""What the agent CLIs keep on disk."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """One conversation on disk. `last_used` is Unix seconds and `size` bytes, 0 where a database keeps it.

    `bound` names the sessions that have, or had, this conversation.
    """

    workspace: str
    type: str
    id: str
    path: str
    last_used: int
    size: int
    bound: tuple[str, ...]

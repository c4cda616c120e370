"""The classes of drift."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class DriftClass(StrEnum):
    """How the registry and the live state differ. The letters and each `meaning` are published."""

    meaning: str

    SESSION_GONE = "A", "the session is gone"
    ALIVE = "B", "recorded as ended, but it runs; or live, named like ours, and not recorded"
    CONVERSATION_KNOWN = "C", "a conversation exists now, or its id is known now"
    CONVERSATION_GONE = "D", "a recorded conversation is gone from the disk; it is reported, and its id is kept"
    AGENT_EXITED = "E", "the agent has exited, its pane is still there"
    OTHER_PROCESS = "F", "another process than recorded"
    MOVED = "G", "renamed or moved by hand, or in another folder than recorded"
    OTHER_CONVERSATION = "H", "the running agent has gone on to another conversation"
    RESUMABLE = "I", "a conversation that can be resumed is recorded as not"
    BROKER_EDITED = "J", "files of the broker were changed by hand"
    CERTIFICATE_DUE = "K", "a certificate of the broker is due"
    BROKER_DOWN = "L", "the broker is not running"
    BUDGET_USED = "M", "a budget is used up for today; only the monitor reports it"

    def __new__(cls, letter: str, meaning: str = "") -> Self:
        """Make the member from its letter and its meaning."""
        made = str.__new__(cls, letter)
        made._value_ = letter
        made.meaning = meaning
        return made

    @property
    def is_learned(self) -> bool:
        """True when nothing is wrong: in normal use, the registry learns more about a conversation."""
        return self in {DriftClass.CONVERSATION_KNOWN, DriftClass.RESUMABLE}

    @property
    def is_difference(self) -> bool:
        """True when registry and live state differ in a way that is not ordinary use."""
        return not self.is_learned and self is not DriftClass.BUDGET_USED

"""What an agent is doing, and what its CLI says of itself."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Activity(StrEnum):
    """What an agent is doing, as far as its CLI lets anyone know."""

    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"  # at a permission prompt
    DIALOG = "dialog"  # at a question of its start: trust, login and the like
    UNKNOWN = "unknown"


class LiveAgent(Struct, frozen=True):
    """What the CLI of a running agent says of itself: its activity and the conversation it holds.

    `dialog` names the question it waits at when it starts (`trust`, `login`, ...), else it is empty.
    """

    activity: Activity = Activity.UNKNOWN
    conversation: str = ""
    dialog: str = ""

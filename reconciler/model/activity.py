"""What an agent is doing, as its CLI reports it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Activity(StrEnum):
    """What an agent is doing, as far as its CLI shows it."""

    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"  # at a permission prompt
    DIALOG = "dialog"  # at a question of the start: trust, login and others
    UNKNOWN = "unknown"


class LiveAgent(Struct, frozen=True):
    """What the CLI of a running agent reports: its activity and the conversation that it is in.

    `dialog` names the question that it waits at when it starts (`trust`, `login`, ...); empty otherwise. `since` is
    when it reported the activity itself, in Unix seconds; 0 when it did not.
    """

    activity: Activity = Activity.UNKNOWN
    conversation: str = ""
    dialog: str = ""
    since: float = 0
    missing: str = ""
    """The program that runs in its pane in place of the CLI, if that is seen behind a wrapper; else empty."""

"""The result of giving a prompt to a live agent."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class DeliveryVerdict(StrEnum):
    """What is certain about a delivery. Only `submitted` means that the agent has the prompt."""

    SUBMITTED = "submitted"
    TYPED_NOT_SUBMITTED = "typed_not_submitted"  # it is still in the input box, or was lost there
    UNVERIFIED = "unverified"  # it was submitted, but nothing proves that the agent took it
    REFUSED_BUSY = "refused_busy"  # nothing was typed: the agent works, or nothing shows that it is idle
    REFUSED_DIALOG = "refused_dialog"  # nothing was typed: a dialog is open
    REFUSED_DEAD = "refused_dead"  # nothing was typed: the CLI does not run in its pane
    REFUSED_SHELL = "refused_shell"  # nothing was typed: a shell would run each line of the prompt as a command
    TOO_LONG = "too_long"


class Evidence(StrEnum):
    """What proved that the agent took a prompt."""

    NONE = ""
    TRANSCRIPT = "transcript"  # the CLI stored it in the conversation
    CLI_STATE = "cli_state"  # the CLI's own note or title went from idle to busy
    EVENT = "event"  # the agent, or a hook of its CLI, published an event


class Delivery(Struct, frozen=True):
    """How a delivery ended.

    `attempts` counts how often the submit key was pressed. `seconds` is the duration of the whole delivery. `detail` is
    for people: the dialog that is open, or what is missing.
    """

    verdict: DeliveryVerdict
    evidence: Evidence = Evidence.NONE
    detail: str = ""
    attempts: int = 0
    seconds: float = 0.0

    @property
    def may_have_arrived(self) -> bool:
        """Whether the agent has the prompt, or may have it."""
        return self.verdict in {DeliveryVerdict.SUBMITTED, DeliveryVerdict.UNVERIFIED}

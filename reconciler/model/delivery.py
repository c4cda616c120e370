"""What became of a prompt that was handed to a live agent."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class DeliveryVerdict(StrEnum):
    """What is known for certain; only `submitted` says that the agent has the prompt."""

    SUBMITTED = "submitted"
    TYPED_NOT_SUBMITTED = "typed_not_submitted"  # it stands in the input box, or is lost there
    UNVERIFIED = "unverified"  # it was submitted, and nothing proves that the agent took it
    REFUSED_BUSY = "refused_busy"  # nothing was typed: it works, or nothing shows that it is idle
    REFUSED_DIALOG = "refused_dialog"  # nothing was typed: it asks something
    REFUSED_DEAD = "refused_dead"  # nothing was typed: the CLI does not run in its pane
    REFUSED_SHELL = "refused_shell"  # nothing was typed: it would run each line of the prompt as a command
    TOO_LONG = "too_long"


class Evidence(StrEnum):
    """What proved that the agent took a prompt."""

    NONE = ""
    TRANSCRIPT = "transcript"  # the CLI stored it in the conversation
    CLI_STATE = "cli_state"  # the CLI's own note or title went from idle to busy
    EVENT = "event"  # the agent, or a hook of its CLI, said so


class Delivery(Struct, frozen=True):
    """How a delivery ended: `attempts` is how often keys were pressed to submit it, `seconds` how long it all took.

    `detail` is for people: the dialog that is open, or what is missing.
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

"""What will be done to one address, and why.

The reason is for people and scripts. The program itself never decides by it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from .address import Address
from .change import Change
from .conversation import Conversation

if TYPE_CHECKING:
    from .step import Step


class Verb(StrEnum):
    """What happens to one resource as a whole."""

    CREATE = "create"
    RESUME = "resume"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    FORGET = "forget"
    DEFER = "defer"
    NOOP = "no-op"


class Reason(StrEnum):
    """Why an action is planned. The codes are stable: the JSON plan publishes them."""

    NONE = ""
    DECLARED = "declared"  # in the manifest, not created yet
    SESSION_GONE = "session_gone"
    AGENT_EXITED = "agent_exited"  # the agent has exited, or something else runs in its pane
    SPEC_CHANGED = "spec_changed"
    LABEL_CHANGED = "label_changed"
    SESSION_RENAMED = "session_renamed"
    STATE_CHANGED = "state_changed"  # its manifest block asks for another state
    UNRECORDED = "unrecorded"  # it runs with this project's tags, but the registry has no row for it
    REQUESTED = "requested"  # --replace, --destroy, import
    NOT_DECLARED = "not_declared"  # no longer in any manifest
    KEPT_DIRTY = "kept_uncommitted_work"
    KEPT_UNPUSHED = "kept_unpushed_work"
    KEPT_NOT_EMPTY = "kept_not_empty"
    KEPT_NOT_OURS = "kept_not_ours"
    KEPT_IN_USE = "kept_in_use"
    BY_HAND = "stopped_by_hand"  # with `stop` or `archive`; it stays stopped until `resume`
    PROTECTED = "protected"
    BUSY = "busy"
    WAITING = "waiting_for_permission"
    STATE_UNKNOWN = "state_unknown"  # its CLI reports its activity, but in no form that we know
    AMBIGUOUS = "conversation_ambiguous"
    ELSEWHERE = "conversation_in_use_elsewhere"
    MISSING = "conversation_missing"
    MOVED = "conversation_of_another_folder"
    GUEST = "pane_moved"  # moved into another session by hand
    UNCERTAIN = "uncertain"  # git gave no answer
    NOT_RUNNING = "not_running"  # a broker
    EDITED = "edited_by_hand"
    MADE_BY_HAND = "made_by_hand"  # a broker, which is taken over
    WITHHELD = "withheld"  # nothing is done about it; a diagnostic says why


class Action(Struct, frozen=True):
    """What happens to one address, as steps. It starts after everything that it `needs` is done."""

    address: Address
    verb: Verb
    reason: Reason = Reason.NONE
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    conversation: Conversation | None = None
    needs: tuple[Address, ...] = ()
    """Addresses whose actions must succeed first."""
    session: str = ""
    note: str = ""
    """A short explanation for the user, without a full stop."""
    ends_session: bool = False
    """Whether a live agent ends for good. The guards count these."""
    basis: str = ""
    """The live facts behind the decision, as text. A saved plan is stale when they differ."""
    after: tuple[Address, ...] = ()
    """Agents whose conversations must be known, or have failed, before this one starts."""

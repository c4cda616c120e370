"""The values that belong to one look at one agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.kinds.agent.case import Case
from reconciler.model.activity import LiveAgent
from reconciler.model.redacted import Redacted
from reconciler.model.snapshot import Pane

HOOK_NOTES = ".conversations"
"""The folder of the hook notes, beside the job records."""


def _knows_no_project(_lineage: str) -> tuple[tuple[str, str], ...]:
    return ()


class Caller(Redacted, frozen=True):
    """The user who runs the command."""

    home: str
    env: Mapping[str, str]
    hook_notes: str = ""
    """The folder in which hooks leave notes about conversations."""
    projects_of: Callable[[str], tuple[tuple[str, str], ...]] = _knows_no_project
    """Returns the folder and the registry of each noted project of this user with a lineage."""


class AgentView(Struct, frozen=True):
    """One agent, its pane, and what its CLI shows of it."""

    case: Case
    profile: Profile
    subject: AgentEnvironment
    pane: Pane | None
    live: LiveAgent
    hook_conversation: str = ""
    """The conversation in the note that its CLI's hook left."""
    unclaimed: tuple[str, ...] = ()
    """Stored conversations that may be its own, when nothing proves which one is."""

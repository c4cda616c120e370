"""One agent as it is looked at."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.kinds.agent.case import Case
from reconciler.model.activity import LiveAgent
from reconciler.model.discreet import Discreet
from reconciler.model.snapshot import Pane

HOOK_NOTES = ".conversations"
"""The folder of what hooks write down about conversations, beside the job records."""


class Caller(Discreet, frozen=True):
    """Whoever runs the command: their home folder and environment, and where hooks leave notes about conversations."""

    home: str
    env: Mapping[str, str]
    hook_notes: str = ""


class AgentView(Struct, frozen=True):
    """One agent, its pane if there is one, and what its CLI tells of the agent in it.

    `told` is the conversation that its CLI told a hook. `unclaimed` are stored conversations that may be its own,
    when nothing proves which is.
    """

    case: Case
    profile: Profile
    subject: AgentEnvironment
    pane: Pane | None
    live: LiveAgent
    hook_conversation: str = ""
    unclaimed: tuple[str, ...] = ()

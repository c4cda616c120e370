"""One agent as it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.agents.profile import Profile
from reconciler.agents.subject import Subject
from reconciler.kinds.agent.case import Case
from reconciler.model.activity import LiveAgent
from reconciler.model.snapshot import Pane

HOOK_NOTES = ".conversations"
"""The folder of what hooks write down about conversations, beside the job records."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever runs the command: their home folder and environment, and where hooks leave notes about conversations."""

    home: str
    env: Mapping[str, str] = field(repr=False)
    hook_notes: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """One agent, its pane if there is one, and what its CLI tells of the agent in it.

    `told` is the conversation that its CLI told a hook. `unclaimed` are stored conversations that may be its own,
    when nothing proves which is.
    """

    case: Case
    profile: Profile
    subject: Subject
    pane: Pane | None
    talks: LiveAgent
    told: str = ""
    unclaimed: tuple[str, ...] = ()

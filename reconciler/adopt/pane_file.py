"""What tmuxp and tmuxinator files have in common: one session with windows and panes, and keys that are not adopted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from reconciler.model.desired import RunState
from reconciler.model.diagnostic import Place

from .context import SourceContext
from .findings_builder import FindingsBuilder, PaneNames, SourceAgent
from .foreign_file import ForeignContent
from .pane import PaneReading, shown

LOOKS = "it only changes how tmux looks, and reconciler gives each agent its own session"
HOOK = "reconciler runs no other commands before or after its agents"


class UnreadKeys(Struct, frozen=True):
    """The keys of a tool that are not adopted: why not, and for some what to do instead."""

    reasons: Mapping[str, str]
    fixes: Mapping[str, str]


@dataclass(slots=True)
class PaneFileReader:
    """The file, and what is known of its session so far."""

    content: ForeignContent
    context: SourceContext
    builder: FindingsBuilder
    unread: UnreadKeys
    name: str = ""
    root: str = ""  # the folder of the session, if the file sets one
    alone: bool = False  # the session has one window

    def add_agent(self, reading: PaneReading, names: PaneNames, place: Place) -> None:
        """Add the agent of a pane that starts one; `place` is the pane's, if its line has none."""
        start = reading.agent
        if start is None:
            return
        agent = SourceAgent(
            start=start,
            folder=reading.folder,
            workspace=self.builder.workspace_for(self.name, reading.folder, self.root),
            agent=names.agent(start.type),
            session=self.name if self.alone and names.alone else "",  # a session with other panes is not this agent's
            place=reading.place or place,
            state=RunState.RUNNING if reading.entered else RunState.STOPPED,
        )
        self.builder.add(agent)

    def leave_keys(self, table: Mapping[str, Any], path: str, known: frozenset[str], where: str) -> None:
        """Record the keys of a table that are not adopted."""
        for key in sorted(table.keys() - known):
            why = self.unread.reasons.get(key, "reconciler does not know this key")
            place = self.content.place(f"{path}.{key}" if path else key)
            self.builder.leave(f"`{shown(key)}` of {where}", why, self.unread.fixes.get(key, ""), place)

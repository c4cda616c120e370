"""Whether the place where a CLI stores its conversations is there at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from reconciler.model.address import Address
from reconciler.model.observed import Absent, Present
from reconciler.model.snapshot import Snapshot
from reconciler.ports.world import Files

from .agent_view import AgentView


def stores_away(sights: Iterable[AgentView], snapshot: Snapshot, files: Files) -> Mapping[Address, str]:
    """The folder that is missing or empty, by the agents that have run and do not run, where the CLI stored everything.

    A CLI keeps more in it than conversations, so one that has run leaves something there.
    """

    @cache
    def is_away(root: str) -> bool:
        folder = files.folder(root)
        return isinstance(folder, Absent) or (isinstance(folder, Present) and folder.value.empty)

    found = ((sight, _roots(sight)) for sight in sights if _is_asked(sight, snapshot))
    return {sight.case.address: roots[0] for sight, roots in found if roots and all(map(is_away, roots))}


def _is_asked(sight: AgentView, snapshot: Snapshot) -> bool:
    row, lives = sight.case.row, sight.pane is not None and not sight.pane.dead
    absent = isinstance(snapshot.artifacts.get(sight.case.address), Absent)
    return absent and not lives and row is not None and row.pane is not None and row.type == sight.profile.name


def _roots(sight: AgentView) -> tuple[str, ...]:
    """Where it was when the agent was started; nothing when the user has moved it since."""
    started, wanted = sight.case.row.started_with if sight.case.row else None, sight.case.wanted
    if started is None or wanted is None:
        return ()
    same = all(started.env.get(name) == wanted.env.get(name) for name in ("HOME", *sight.profile.storage.variables))
    return sight.profile.storage.roots(sight.subject) if same else ()

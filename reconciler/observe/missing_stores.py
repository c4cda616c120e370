"""Whether the folder in which a CLI stores its conversations exists: its disk may not be mounted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from reconciler.model.address import Address
from reconciler.model.observed import Absent, Present
from reconciler.model.snapshot import Snapshot
from reconciler.ports.world import Files

from .agent_view import AgentView


def find_missing_stores(views: Iterable[AgentView], snapshot: Snapshot, files: Files) -> Mapping[Address, str]:
    """For each agent that has run and does not run now: its CLI's folder, if that is missing or empty.

    A CLI that has run always leaves something in its folder, since it stores more there than conversations.
    """

    @cache
    def is_missing(root: str) -> bool:
        folder = files.folder(root)
        return isinstance(folder, Absent) or (isinstance(folder, Present) and folder.value.empty)

    found = ((view, _roots(view)) for view in views if _is_asked(view, snapshot))
    return {view.case.address: roots[0] for view, roots in found if roots and all(map(is_missing, roots))}


def _is_asked(view: AgentView, snapshot: Snapshot) -> bool:
    row, lives = view.case.row, view.pane is not None and not view.pane.dead
    absent = isinstance(snapshot.artifacts.get(view.case.address), Absent)
    return absent and not lives and row is not None and row.pane is not None and row.type == view.profile.name


def _roots(view: AgentView) -> tuple[str, ...]:
    """The CLI's folders as they were at the agent's start; empty when the user has chosen other ones since."""
    started, wanted = view.case.row.started_with if view.case.row else None, view.case.wanted
    if started is None or wanted is None:
        return ()
    same = all(started.env.get(name) == wanted.env.get(name) for name in ("HOME", *view.profile.storage.variables))
    return view.profile.storage.roots(view.subject) if same else ()

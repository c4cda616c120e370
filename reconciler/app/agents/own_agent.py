"""Which agent this process belongs to, when an agent started it."""

from __future__ import annotations

import os

from reconciler.agents.catalogue import catalogue
from reconciler.app.agents.look import ProjectView
from reconciler.app.project.project import Project
from reconciler.kinds.agent.case import with_unmanaged
from reconciler.model.address import Address
from reconciler.model.observed import Present
from reconciler.model.snapshot import Pane


def own_agent(at: Project, seen: ProjectView) -> Address | None:
    """The agent in whose session this process runs; None when it runs in none.

    A process belongs to an agent when the agent is one of its ancestors, or when tmux says in the environment that it
    runs in the agent's pane: a sandbox hides the ancestors.
    """
    pids = {pid for pid, _name in at.processes.ancestry(os.getpid())}
    types = catalogue(seen.desired.agent_types.values())
    for address, case in with_unmanaged(seen.cases, seen.stored.record, seen.snapshot, types).items():
        if isinstance(case.pane, Present) and (case.pane.value.pid in pids or _is_our_pane(at, seen, case.pane.value)):
            return address
    return None


def _is_our_pane(at: Project, seen: ProjectView, pane: Pane) -> bool:
    tmux, server = seen.snapshot.tmux, at.env.get("TMUX", "").split(",")[1:2]
    if not isinstance(tmux, Present) or server != [str(tmux.value.server.pid)]:
        return False
    return pane.pane_id == at.env.get("TMUX_PANE")

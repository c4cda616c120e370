"""What must be in the registry before apply goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from in_memory import Project

from reconciler.model.snapshot import Pane
from reconciler.ports.world import Failure, NewSession

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}


def test_a_conversation_belongs_to_its_agent_before_the_launch() -> None:
    project, seen = Project(), []
    tmux, start = project.world.tmux, project.world.tmux.start

    def watched(sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        seen.extend(project.registry["workspaces"]["w"]["agent_identities"]["claude"]["session_id"] for _ in sessions)
        return start(sessions)

    tmux.start = watched  # type: ignore[method-assign]
    project.apply(project.plan(MANIFEST))
    assert seen == ["id-1"]

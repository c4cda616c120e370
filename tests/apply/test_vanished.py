"""An agent that vanishes from sight while it starts."""

from __future__ import annotations

from in_memory import Project

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}


def test_an_agent_whose_server_goes_out_of_sight_while_it_starts_is_not_started_again():
    project = Project()
    tmux = project.world.tmux
    start = tmux.start

    def hiding(sessions):
        yield from start(sessions)
        tmux.hidden = True

    tmux.start = hiding
    project.apply(project.plan(MANIFEST))
    pane = tmux.pane("w-creator-claude")
    row = project.registry["sessions"]["w-creator-claude"]
    assert (row["status"], row["pane"]["pid"]) == ("terminated", pane.pid)
    assert [action.verb.value for action in project.plan(MANIFEST).plan.pending] == ["defer"]
    tmux.hidden = False
    assert project.plan(MANIFEST).plan.in_sync

"""A farewell whose Enter was swallowed is sent once more, and only then is the process ended."""

from __future__ import annotations

from in_memory import Project

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}
STOPPED = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"state": "stopped"}}}}}


def _idle() -> Project:
    project = Project()
    project.apply(project.plan(MANIFEST))
    pane = project.world.tmux.pane("w-creator-claude")
    note = f'{{"pid": {pane.pid}, "sessionId": "id-1", "status": "idle"}}'
    project.world.files.put(f"/home/u/.claude/sessions/{pane.pid}.json", note.encode())
    return project


def test_an_agent_that_stays_gets_another_enter() -> None:
    project = _idle()
    project.world.tmux.quits = {""}  # the first Enter is taken for a part of the text
    project.apply(project.plan(STOPPED))

    assert [text for _, text in project.world.tmux.typed] == ["/exit", ""]


def test_an_agent_that_leaves_gets_nothing_more() -> None:
    project = _idle()
    project.apply(project.plan(STOPPED))

    assert [text for _, text in project.world.tmux.typed] == ["/exit"]

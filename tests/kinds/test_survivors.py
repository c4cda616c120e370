"""What lives on when a session has ended: it gets SIGTERM, and is named when it will not end."""

from __future__ import annotations

import pytest
from in_memory import Project

from reconciler.model.event import ActionDone, ActionFailed

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}}
STOPPED = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"state": "stopped"}}}}}
CHILD = 7777


def _with_a_child(*, stubborn: bool) -> Project:
    project = Project()
    project.apply(project.plan(MANIFEST))
    processes = project.world.processes
    processes.alive[CHILD] = CHILD * 100
    processes.children[project.world.tmux.pane("w-creator-claude").pid] = (CHILD,)
    processes.stubborn |= {CHILD} if stubborn else set()
    return project


def test_a_child_that_outlives_its_session_gets_sigterm_and_that_is_told() -> None:
    project = _with_a_child(stubborn=False)
    [done] = [told for told in project.apply(project.plan(STOPPED)) if isinstance(told, ActionDone)]
    assert CHILD not in project.world.processes.alive
    assert "SIGTERM, after its session" in done.message


def test_a_child_that_will_not_end_is_named_and_the_stop_is_not_done() -> None:
    project = _with_a_child(stubborn=True)
    [failed] = [told for told in project.apply(project.plan(STOPPED)) if isinstance(told, ActionFailed)]
    assert failed.message == f"process {CHILD} did not end"


@pytest.mark.parametrize(("listens", "told"), [(True, ""), (False, "it did not quit by itself and got SIGTERM")])
def test_a_forced_end_is_told_apart_from_a_graceful_one(listens: bool, told: str) -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    pane = project.world.tmux.pane("w-creator-claude")
    note = f'{{"pid": {pane.pid}, "sessionId": "id-1", "status": "idle"}}'
    project.world.files.put(f"/home/u/.claude/sessions/{pane.pid}.json", note.encode())
    project.world.tmux.quits = {"/exit"} if listens else set()
    [done] = [event for event in project.apply(project.plan(STOPPED)) if isinstance(event, ActionDone)]
    assert done.message.removeprefix("conversation id-1 stays").removeprefix("; ") == told


def test_the_last_words_of_an_agent_tell_the_conversation_it_had_gone_on_to() -> None:
    project = Project()
    project.apply(project.plan(MANIFEST))
    pane = project.world.tmux.pane("w-creator-claude")
    later = "0e2d3c4b-1111-4222-8333-444455556666"
    planned = project.plan(STOPPED)
    project.world.tmux.screens[pane.pane_id] = f"Resume this session with:\nclaude --resume {later}\n"
    project.apply(planned)
    assert project.registry["workspaces"]["w"]["agent_identities"]["claude"] == {
        "session_id": later,
        "previous": ["id-1"],
    }

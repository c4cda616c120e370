"""A process that outlives its session keeps its conversation to itself."""

from __future__ import annotations

from in_memory import Project

from reconciler.model.action import Reason, Verb

MANIFEST = {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"prompt": "Begin."}}}}}


def _with_a_survivor() -> tuple[Project, int]:
    project = Project()
    project.apply(project.plan(MANIFEST))
    pid = project.world.tmux.pane("w-creator-claude").pid
    project.world.processes.stubborn.add(pid)
    project.world.tmux.kill_session("w-creator-claude")
    return project, pid


def test_no_second_process_is_started_while_the_first_one_lives() -> None:
    project, pid = _with_a_survivor()
    plan = project.plan(MANIFEST).plan

    assert [(action.verb, action.reason) for action in plan.pending] == [(Verb.DEFER, Reason.ELSEWHERE)]
    assert f"`kill {pid}`" in plan.pending[0].note


def test_once_it_has_ended_the_agent_is_started_again() -> None:
    project, pid = _with_a_survivor()
    project.world.processes.exit(pid)

    assert [action.verb for action in project.plan(MANIFEST).plan.pending] == [Verb.CREATE]


def test_a_later_process_with_its_pid_does_not_count() -> None:
    project, pid = _with_a_survivor()
    project.world.processes.alive[pid] += 1

    assert [action.verb for action in project.plan(MANIFEST).plan.pending] == [Verb.CREATE]

"""A second apply changes nothing."""

from __future__ import annotations

from project import Project


def test_a_second_apply_changes_nothing(project: Project):
    with_env = {"type": "claude", "env": {"A": "b"}}
    project.declare(claude={"prompt": "hello"}, other=with_env, idle={"type": "claude", "state": "stopped"})
    project.apply()
    live, registry = project.live(), project.registry.read_bytes()
    said = project.apply()
    assert "No changes." in said
    assert project.live() == live
    assert project.registry.read_bytes() == registry
    project.run("plan", "--detailed-exitcode", code=0)


def test_the_detailed_exit_code_is_2_while_something_is_to_be_done(project: Project):
    project.declare(claude={})
    said = project.run("plan", "--detailed-exitcode", code=2)
    assert "Plan: 2 to add, 0 to change, 0 to destroy." in said
    project.run("plan", code=0)
    assert not project.registry.exists()
    assert project.live() == {}


def test_without_a_terminal_an_apply_asks_only_when_there_is_something_to_do(project: Project):
    project.declare(claude={})
    said = project.run("apply", code=64)
    assert "agent.lab.claude will be created" in said
    assert "needs confirmation, but there is no terminal" in said
    assert "pass --auto-approve" in said
    assert project.live() == {}
    project.apply()
    assert "No changes." in project.run("apply")

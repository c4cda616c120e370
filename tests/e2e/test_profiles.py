"""Agents that are managed only while a profile is active."""

from __future__ import annotations

import pytest
from project import Project

ROW = "lab-creator-debugger"


@pytest.fixture
def lab(project: Project) -> Project:
    agents = {"claude": {}, "debugger": {"type": "claude", "profiles": ["debug", "trace"]}}
    night = {"path": "night", "profiles": ["nightly"], "agents": {"claude": {}}}
    project.write({"lab": {"path": "lab", "agents": agents}, "night": night})
    return project


def test_an_agent_starts_only_with_its_profile(lab: Project):
    lab.apply()
    assert {*lab.live()} == {"lab-creator-claude"}
    assert "debugger" not in lab.run("status")
    lab.run("--profile", "debug", "apply", "--auto-approve")
    assert {*lab.live()} == {"lab-creator-claude", ROW}
    lab.apply(RECONCILER_PROFILES="nightly")
    assert {*lab.live()} == {"lab-creator-claude", ROW, "night-creator-claude"}
    assert lab.actions() == lab.actions("--profile=*") == {}


@pytest.mark.parametrize("command", ["plan", "destroy", "apply"])
def test_an_agent_without_its_profile_is_left_alone_and_that_is_one_line(lab: Project, command: str):
    lab.apply("--profile", "*")
    before = {name: lab.pane(name) for name in (ROW, "night-creator-claude")}
    lab.write(
        {
            "lab": {"path": "lab", "agents": {"claude": {}, "debugger": {"type": "claude", "profiles": ["debug"]}}},
            "night": {"path": "elsewhere", "profiles": ["nightly"], "agents": {"claude": {"args": ["-x"]}}},
        }
    )
    said = lab.run(command, *([] if command == "plan" else ["--auto-approve"]))
    line = "agent.lab.debugger, agent.night.claude run, but their profiles are not active: they are left alone"
    assert said.count(line) == 1
    assert {name: pane for name, pane in lab.live().items() if name in before} == before


def test_an_agent_that_no_manifest_declares_any_more_ends_without_its_profile(lab: Project):
    lab.apply("--profile", "debug")
    lab.declare(claude={})
    assert lab.actions() == {"agent.lab.debugger": "delete"}


def test_a_command_that_names_the_agent_activates_it(lab: Project):
    lab.apply()
    assert lab.actions("--target", "agent.lab.debugger") == {"agent.lab.debugger": "create"}
    lab.run("resume", "debugger")
    assert {*lab.live()} == {"lab-creator-claude", ROW}
    lab.run("stop", "--now", "debugger")
    assert {*lab.live()} == {"lab-creator-claude"}
    assert "debugger" not in lab.run("resume", "--all")


def test_a_saved_plan_keeps_its_profiles(lab: Project):
    lab.run("plan", "--profile", "debug", "--out", "a.plan")
    lab.apply("a.plan")
    assert {*lab.live()} == {"lab-creator-claude", ROW}
    lab.run("plan", "--destroy", "--out", "b.plan")
    lab.apply("b.plan", RECONCILER_PROFILES="debug")
    assert {*lab.live()} == {ROW}


def test_an_unknown_profile_is_told_with_the_nearest_one(lab: Project):
    said = lab.run("validate", "--profile", "debgu")
    assert "no manifest has the profile `debgu`\n  -> did you mean `debug`?" in said
    assert "-> write --profile NAME" in lab.run("validate", "--profile", "a b", code=64)
    assert "-> write --profile NAME" in lab.run("validate", "--profile", code=64)


def test_an_active_agent_does_not_depend_on_an_inactive_one(lab: Project):
    lab.declare(claude={"depends_on": ["debugger"]}, debugger={"type": "claude", "profiles": ["debug"]})
    said = lab.run("validate", code=1)
    assert "agent.lab.claude depends on agent.lab.debugger, whose profiles are not active" in said
    assert "Valid" in lab.run("validate", "--profile", "debug")

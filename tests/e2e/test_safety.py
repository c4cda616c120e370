"""Nothing is ended by mistake: not what is foreign, protected or busy, not too much, not on a guess."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import STANDINS, Project
from waiting import wait_until

CLAUDE = {"type": "claude"}


def test_a_foreign_session_under_a_wanted_name_is_refused_and_left_alone(project: Project):
    project.tmux("new-session", "-d", "-s", "lab-creator-claude", "sleep", "1000")
    before = project.live()
    project.declare(claude={}, other=CLAUDE)
    said = project.apply(code=7)
    assert "Error: session lab-creator-claude exists and is not ours" in said
    assert f"it runs sleep (pid {before['lab-creator-claude'].pid})" in said
    assert "end that session, rename it, or --exclude agent.lab.claude" in said
    project.run("destroy", "--auto-approve", code=0)
    assert project.live() == before


def test_ending_more_than_half_of_the_agents_must_be_allowed(project: Project):
    project.declare(one=CLAUDE, two=CLAUDE, three=CLAUDE)
    project.apply()
    before = project.live()
    project.declare(one=CLAUDE)
    said = project.apply(code=7)
    assert "this plan ends 2 agents" in said
    assert "--max-destroy 2" in said
    project.apply("--max-destroy", "1", code=7)
    assert project.live() == before
    project.apply("--max-destroy", "2")
    assert list(project.live()) == ["lab-creator-one"]
    project.declare()
    assert "--max-destroy 1" in project.apply(code=7)


def test_destroy_itself_asks_for_that(project: Project):
    project.declare(one=CLAUDE, two=CLAUDE)
    project.apply()
    project.tmux("new-session", "-d", "-s", "bystander", "sleep", "1000")
    said = project.run("destroy", "--auto-approve")
    assert "Destroy complete! Resources: 3 destroyed." in said
    assert list(project.live()) == ["bystander"]
    assert not (project.root / "lab").exists()


def test_protect_survives_the_removal_of_its_block(project: Project):
    project.declare(guarded=CLAUDE | {"protect": True}, other=CLAUDE)
    project.apply()
    before = project.live()
    project.write({"lab": {"path": "lab"}})
    said = project.apply()
    assert "Warning: agent.lab.guarded is protected and stays" in said
    assert project.live() == {"lab-creator-guarded": before["lab-creator-guarded"]}
    assert "agent.lab.guarded is protected" in project.run("destroy", "--auto-approve", code=7)
    assert project.live() == {"lab-creator-guarded": before["lab-creator-guarded"]}


def test_an_agent_in_use_is_left_alone_unless_forced(project: Project):
    project.declare(busy=CLAUDE | {"prompt": "hang"}, asking=CLAUDE | {"prompt": "ask me"})
    project.apply()
    before = project.live()
    wait_until(lambda: {project.activity(pane.pid) for pane in before.values()} == {"busy", "waiting"})
    verbose = CLAUDE | {"args": ["--verbose"]}
    project.declare(busy=verbose, asking=verbose)
    assert project.actions() == {"agent.lab.busy": "defer", "agent.lab.asking": "defer"}
    said = project.apply(code=7)
    assert "Not done: agent.lab.asking, agent.lab.busy." in said
    assert project.live() == before
    project.write({})
    project.apply("--max-destroy", "2", code=7)
    assert project.live() == before
    project.declare(busy=verbose, asking=verbose)
    project.apply("--force")
    assert {pane.pid for pane in project.live().values()}.isdisjoint(pane.pid for pane in before.values())


def test_an_agent_that_shows_nothing_that_is_understood_is_left_alone_unless_forced(project: Project):
    """As a version does whose words are new."""
    program = project.home / "bin" / "qwen"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'Pondering as no version did before'\nexec sleep 1000\n")
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}:{project.env['PATH']}"}
    project.declare(it={"type": "qwen"})
    project.apply(**path)
    before = project.live()
    [agent] = project.json("status")["agents"]
    assert (agent["live"], agent["state"]) == ("alive", "unknown")
    for words in (["stop"], ["archive"], ["delete", "--yes"]):
        said = project.run(*words, "lab-creator-it", code=7, **path)
        assert "nothing shows whether it is at work" in said, words
    project.run("destroy", "--auto-approve", code=7, **path)
    project.declare(it={"type": "qwen", "args": ["--debug"]})
    project.apply(code=7, **path)
    assert project.live() == before
    project.run("stop", "lab-creator-it", "--now", code=0, **path)
    assert project.live() == {}


@pytest.mark.parametrize("broken", ["sessions: [", "version: 99\n"])
def test_nothing_is_done_on_a_registry_that_cannot_be_understood(project: Project, broken: str):
    project.declare(claude={})
    project.registry.parent.mkdir()
    project.registry.write_text(broken, encoding="latin-1")
    project.apply(code=1)
    assert project.live() == {}
    assert project.registry.read_text(encoding="latin-1") == broken
    assert not (project.root / "lab").exists()


def test_nothing_is_done_while_the_registry_cannot_be_read(project: Project):
    project.declare(claude={})
    project.registry.mkdir(parents=True)
    for command in ("plan", "status", "apply"):
        assert "agent-sessions.yaml" in project.run(command, *_approval(command), code=1)
    assert project.live() == {}


@pytest.mark.parametrize("answer", [None, "protocol version mismatch (client 8, server 7)"])
def test_nothing_is_done_while_tmux_cannot_be_asked(project: Project, answer: str | None):
    """It is not installed, or it gives an answer that says nothing."""
    project.declare(claude={})
    path = str(STANDINS) if answer is None else f"{_strange_tmux(project, answer)}:{project.env['PATH']}"
    for command in ("plan", "apply", "status"):
        said = project.run(command, *_approval(command), code=1, PATH=path)
        assert (answer or "tmux is not installed") in said
    assert project.live() == {}
    assert [path.name for path in project.root.iterdir() if path.name != ".hermes"] == ["reconciler.yaml"]
    assert not project.registry.exists()


def test_an_agent_is_not_lost_because_tmux_cannot_be_asked(project: Project):
    project.declare(claude={})
    project.apply()
    before, registry = project.live(), project.registry.read_bytes()
    path = f"{_strange_tmux(project, 'lost patience')}:{project.env['PATH']}"
    project.run("apply", "--auto-approve", code=1, PATH=path)
    project.run("apply", "--auto-approve", "--refresh-only", code=1, PATH=path)
    assert (project.live(), project.registry.read_bytes()) == (before, registry)


def _approval(command: str) -> list[str]:
    return ["--auto-approve"] if command == "apply" else []


def _strange_tmux(project: Project, answer: str) -> Path:
    folder = project.home / "bin"
    folder.mkdir()
    (folder / "tmux").write_text(f"#!/bin/sh\necho '{answer}' >&2\nexit 1\n")
    (folder / "tmux").chmod(0o755)
    return folder


def test_agents_on_another_tmux_server_are_not_started_twice(project: Project):
    workspaces = {"lab": {"path": "lab", "agents": {"claude": {}}}}
    project.write(workspaces)
    project.apply()
    before = project.live()
    project.write(workspaces, tmux={"socket_path": f"{project.socket}-2"})
    said = project.run("plan", code=1)
    assert f"1 agent still runs on tmux server {project.socket}" in said
    assert "kill" not in said, "it is no orphan"
    assert project.actions() == {}
    assert project.json("drift", code=1)["drifts"] == []
    project.apply(code=1)
    assert project.live() == before
    assert not os.path.exists(f"{project.socket}-2")

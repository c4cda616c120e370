"""Agents behind wrappers: that exec, that stay, in another pid namespace; real tmux, stand-ins of the CLIs."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from project import Project, arguments
from waiting import wait_until

SESSION = "lab-creator-one"
ROOT = ("--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc")
SCRIPT = """#!/bin/sh
"$@"
exec sleep 1000
"""
EXECS, STAYS, NEW_SESSION = ["nice", "-n", "5"], ["./stays"], ["setsid", "-w"]
PIDS = ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
BUBBLEWRAP = ["bwrap", *ROOT, "--unshare-pid", "--die-with-parent", "--new-session", "--"]
WRAPPERS = {"execs": EXECS, "stays": STAYS, "new session": NEW_SESSION, "pids": PIDS, "bubblewrap": BUBBLEWRAP}


def _wrapper(project: Project, name: str) -> list[str]:
    """The wrapper; the test is skipped where this system does not let it run."""
    (project.root / "lab").mkdir(exist_ok=True)
    script = project.root / "lab" / "stays"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    wrap = WRAPPERS[name]
    if name in {"pids", "bubblewrap"} and not _works(wrap):
        pytest.skip(f"{wrap[0]} may not make a pid namespace here")
    return wrap


def _works(wrap: list[str]) -> bool:
    if not shutil.which(wrap[0]):
        return False
    return subprocess.run([*wrap, "true"], check=False, capture_output=True, timeout=20).returncode == 0


def _agent(project: Project, session: str = SESSION) -> dict[str, Any]:
    rows = project.json("status")["agents"]
    return next(row for row in rows if row["session"] == session)


def _is(project: Project, state: str, session: str = SESSION) -> None:
    wait_until(lambda: _agent(project, session)["state"] == state)


@pytest.mark.parametrize("name", WRAPPERS)
def test_an_agent_behind_a_wrapper_lives_like_any_other(project: Project, name: str) -> None:
    wrap = _wrapper(project, name)
    project.declare(one={"type": "claude", "wrap": wrap, "prompt": "hello"})
    project.apply()
    _is(project, "idle")
    first = _agent(project)["conversation"]
    assert first == project.pane(SESSION).conversation
    assert project.actions() == {}
    assert "1 workspace and 1 agent unchanged" in project.apply()

    project.type(SESSION, "/clear")  # the process itself proves that it has gone on to another conversation
    wait_until(lambda: _agent(project)["conversation"] != first)
    second = str(_agent(project)["conversation"])
    project.run("refresh")
    assert project.identities("lab")["one"] == {"session_id": second, "previous": [first]}

    assert project.json("send", SESSION, "please ask", code=0)["verdict"] == "submitted"
    _is(project, "waiting")
    assert project.json("send", SESSION, "no")["verdict"] == "refused_dialog"
    request = project.json("answer", SESSION)["request"]
    project.run("answer", SESSION, "--request", request, "approve")
    _is(project, "idle")

    project.type(SESSION, "please hang")
    _is(project, "busy")
    assert project.json("send", SESSION, "no")["verdict"] == "refused_busy"
    project.declare(one={"type": "claude", "wrap": ["env", *wrap], "prompt": "hello"})
    assert project.actions() == {"agent.lab.one": "defer"}
    assert project.apply("--force", code=0)
    assert project.actions() == {}
    wait_until(lambda: _agent(project)["conversation"] == second)

    project.run("stop", SESSION)
    assert not project.processes()
    project.run("resume", SESSION)
    _is(project, "idle")
    project.reboot()
    assert project.actions() == {"agent.lab.one": "resume"}
    project.apply()
    _is(project, "idle")
    assert _agent(project)["conversation"] == second
    assert project.transcripts()[second] == ["<command-name>/clear</command-name>", "please ask", "please hang"]


def test_two_agents_with_the_same_pid_in_their_sandboxes_are_not_mixed_up(project: Project) -> None:
    """They share a home, so the note of one, which has the pid as its name, is overwritten by the other."""
    wrap = _wrapper(project, "pids")
    project.declare(**{name: {"type": "claude", "wrap": wrap, "prompt": "hello"} for name in ("one", "two")})
    project.apply()
    sessions = ("lab-creator-one", "lab-creator-two")
    own = {session: project.pane(session).conversation for session in sessions}
    notes = list((project.home / ".claude" / "sessions").iterdir())
    assert [note.name for note in notes] == ["1.json"]
    for session in sessions:
        assert project.json("send", session, "again", "--wait-idle", "20")["verdict"] == "submitted"
        assert {each: _agent(project, each)["conversation"] for each in sessions} == own
    assert project.json("drift")["in_sync"]


@pytest.mark.parametrize("cli", ["codex", "qwen", "gemini", "copilot", "opencode", "kilo"])
def test_the_other_clis_live_in_a_pid_namespace_of_their_own(project: Project, cli: str) -> None:
    wrap = _wrapper(project, "pids")
    project.declare(one={"type": cli, "wrap": wrap, "prompt": "hello"})
    project.apply()
    _is(project, "idle")
    project.run("refresh")
    conversation = _agent(project)["conversation"]
    assert conversation
    assert project.json("send", SESSION, "please hang", "--wait-idle", "20")["verdict"] == "submitted"
    _is(project, "busy")
    assert project.json("send", SESSION, "no")["verdict"] == "refused_busy"
    project.reboot()
    project.apply()
    _is(project, "idle")
    assert _agent(project)["conversation"] == conversation


def test_a_wrapper_that_outlives_its_cli_is_not_taken_for_it(project: Project) -> None:
    project.declare(one={"type": "claude", "wrap": _wrapper(project, "stays"), "prompt": "hello"})
    project.apply()
    _is(project, "idle")
    conversation = _agent(project)["conversation"]
    project.type(SESSION, "/exit")
    wait_until(lambda: _agent(project)["note"] == "claude does not run in its pane, only sleep")
    assert _agent(project)["live"] == "alive"
    said = project.run("send", SESSION, "hello", code=7)
    assert "sleep runs in its pane instead of claude" in said
    assert f"reconciler restart {SESSION}" in said
    project.run("restart", SESSION)
    _is(project, "idle")
    assert _agent(project)["conversation"] == conversation


def test_what_env_sets_behind_the_wrapper_is_where_the_conversation_is_looked_for(project: Project) -> None:
    other = project.home / "other"
    other.mkdir()
    project.declare(one={"type": "claude", "wrap": ["env", f"HOME={other}"], "prompt": "hello"})
    project.apply()
    _is(project, "idle")
    project.run("refresh")
    assert project.row(SESSION)["resumable"] is True
    assert list(other.glob(".claude/projects/*/*.jsonl"))


def test_a_hidden_home_is_told_and_its_conversation_resumed_all_the_same(project: Project) -> None:
    """A container that keeps its own home: played by a program called `docker` that changes the home."""
    fake = project.home / "wrapped" / "docker"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text(
        f'#!/bin/sh\nshift 3\nHOME={project.home}/box\nexport HOME\nexec setsid -w script -qec "$*" /dev/null\n'
    )
    fake.chmod(0o755)
    (project.home / "box").mkdir()
    project.declare(one={"type": "claude", "wrap": ["docker", "exec", "-it", "box"]})
    said = project.run("plan")
    assert "behind docker: the processes of claude are out of sight" in said
    assert "behind docker: the files of claude are out of sight" in said
    project.apply()
    conversation = project.pane(SESSION).conversation
    wait_until(lambda: "Claude Code" in project.screen(SESSION))
    project.type(SESSION, "hello")
    wait_until(lambda: list((project.home / "box").rglob(f"{conversation}.jsonl")))
    assert project.json("send", SESSION, "again", "--wait-idle", "20")["verdict"] in {"submitted", "unverified"}
    project.reboot()
    assert project.actions() == {"agent.lab.one": "resume"}
    project.apply()
    assert project.pane(SESSION).conversation == conversation


def test_a_wrapper_that_is_not_there_is_told_before_anything_ends(project: Project) -> None:
    project.declare(one={"type": "claude", "prompt": "hello"})
    project.apply()
    _is(project, "idle")
    pid = project.pane(SESSION).pid
    project.declare(one={"type": "claude", "prompt": "hello", "wrap": ["no-such-wrapper", "--"]})
    said = project.apply(code=7)
    assert "no-such-wrapper is not on the agent's PATH" in said
    assert "keeps running" in said
    assert project.pane(SESSION).pid == pid


def test_the_wrapper_of_a_type_comes_after_that_of_the_agent(project: Project) -> None:
    kind = {"command": ["cat"], "wrap": ["env", "B=2"]}
    agents = {"one": {"type": "kitten", "wrap": ["nice", "-n", "3", "setsid", "-w"], "args": ["-u"]}}
    project.write({"lab": {"path": "lab", "agents": agents}}, agent_types={"kitten": kind})
    project.apply()
    assert arguments(project.pane(SESSION).pid) == ["setsid", "-w", "env", "B=2", "cat", "-u"]
    assert project.row(SESSION)["spec"]["wrap"] == ["nice", "-n", "3", "setsid", "-w", "env", "B=2"]
    assert project.actions() == {}

"""Agents that live where reconciler does not see them are neither lost, nor stopped, nor given away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator

import jsonschema
import pytest
from project import SCHEMAS, Project, runs
from waiting import wait_until

from reconciler.ports.processes import RealProcesses

AGENT, OTHER = "lab-creator-claude", "lab-creator-second"
READING = (
    ("plan",),
    ("plan", "--no-refresh"),
    ("plan", "--destroy", "--no-refresh"),
    ("drift",),
    ("status",),
    ("explain", AGENT),
    ("unmanaged",),
    ("attach", AGENT),
    ("monitor", "--once"),
)
CHANGING = (
    ("apply", "--auto-approve"),
    ("apply", "--auto-approve", "--refresh-only"),
    ("refresh",),
    ("stop", AGENT),
    ("stop", AGENT, "--now"),
    ("archive", AGENT),
    ("delete", AGENT, "--yes"),
    ("destroy", "--auto-approve"),
    ("resume", AGENT),
    ("resume", "--all"),
    ("import", "agent.lab.claude", AGENT),
    ("rollback", "1", "--auto-approve"),
    ("create", "lab", "--agent", "shell", "--name", "third", "--auto-approve"),
    ("job", "submit", "--agent", AGENT, "--prompt", "hello"),
)


def test_a_server_whose_socket_was_removed_keeps_its_agents_until_it_is_reached_again(project: Project):
    project.declare(claude={}, second={"type": "claude"})
    project.apply()
    before, registry = project.live(), project.registry.read_bytes()
    server = project.row(AGENT)["server"]["pid"]
    project.socket.unlink()
    for words in (*READING, *CHANGING):
        done = project.attempt(*words)
        said = done.stdout + done.stderr
        assert done.returncode in {1, 4}, (words, said)
        assert f"tmux server {server}, which has 2 agents, runs" in said, (words, said)
        assert f"kill -USR1 {server}" in said, (words, said)
    assert project.registry.read_bytes() == registry
    assert all(runs(pane.pid) for pane in before.values())
    assert (project.root / "lab").is_dir()
    document = project.json("reconnect", code=0)
    assert document == {**document, "reconnected": True, "pid": server, "socket": str(project.socket)}
    jsonschema.validate(document, json.loads((SCHEMAS / "reconnect.schema.json").read_text()))
    assert project.json("reconnect", code=0) == {**document, "reconnected": False, "pid": None, "socket": None}
    assert project.live() == before
    assert project.actions() == {}


@pytest.fixture
def named(project: Project) -> Iterator[Project]:
    """The project with a tmux server that is known by its name, and so below TMUX_TMPDIR."""
    for folder in ("here", "there"):
        (project.home / folder).mkdir()
    agents = {"claude": {}, "second": {"type": "claude"}}
    project.write({"lab": {"path": "lab", "agents": agents}}, tmux={"socket": "named"})
    project.apply(TMUX_TMPDIR=str(project.home / "here"))
    yield project
    server = project.row(AGENT)["server"]["pid"]
    if runs(server):
        os.kill(server, signal.SIGTERM)


def test_another_tmux_tmpdir_hides_nothing(named: Project):
    here, there = str(named.home / "here"), str(named.home / "there")
    registry, pid = named.registry.read_bytes(), named.row(AGENT)["pane"]["pid"]
    for words in (("status",), ("stop", AGENT, "--now"), ("destroy", "--auto-approve"), ("refresh",)):
        said = named.run(*words, code=1, TMUX_TMPDIR=there)
        assert "2 agents still run on tmux server" in said
        assert f"TMUX_TMPDIR={here} reconciler" in said
    assert runs(pid)
    assert named.registry.read_bytes() == registry
    assert named.actions(TMUX_TMPDIR=here) == {}


def test_a_socket_whose_folder_was_removed_comes_back_with_it(named: Project):
    here = named.home / "here"
    shutil.rmtree(next(here.iterdir()))
    named.run("status", code=1, TMUX_TMPDIR=str(here))
    named.run("reconnect", TMUX_TMPDIR=str(here))
    assert "No tmux server of this project has lost its socket" in named.run("reconnect", TMUX_TMPDIR=str(here))
    assert named.actions(TMUX_TMPDIR=str(here)) == {}


def test_a_server_whose_socket_another_one_has_taken_is_not_given_it_back_over_that_one(project: Project):
    project.declare(claude={})
    project.apply()
    agent = project.pane(AGENT)
    project.socket.unlink()
    project.tmux("new-session", "-d", "-s", "stranger")
    for words in (("status",), ("stop", AGENT), ("apply", "--auto-approve"), ("reconnect",)):
        assert "has taken its socket" in project.run(*words, code=1)
    assert set(project.live()) == {"stranger"}
    project.tmux("kill-server")
    project.run("reconnect")
    assert project.pane(AGENT) == agent


def test_a_server_that_has_none_of_our_agents_any_more_holds_nothing_up(named: Project):
    """It lives on for others' sessions; ours were ended by hand, and may start elsewhere."""
    here, there = str(named.home / "here"), str(named.home / "there")
    path = named.row(AGENT)["server"]["path"]
    for words in (("new-session", "-d", "-s", "mine"), ("kill-session", "-t", AGENT), ("kill-session", "-t", OTHER)):
        subprocess.run(["tmux", "-S", path, *words], check=True, env=named.env)
    wait_until(lambda: not any(runs(named.row(name)["pane"]["pid"]) for name in (AGENT, OTHER)))
    assert set(named.actions(TMUX_TMPDIR=there)) == {"agent.lab.claude", "agent.lab.second"}
    assert named.actions(TMUX_TMPDIR=here) == named.actions(TMUX_TMPDIR=there)


def test_an_adopted_session_is_not_lost_with_its_servers_socket(project: Project):
    """Its row has the pid, and neither its start nor its server."""
    project.tmux("new-session", "-d", "-s", "mine", "-c", str(project.root), "sleep", "1000")
    pid = project.pane("mine").pid
    project.declare(shell={})
    project.run("import", "agent.lab.shell", "mine")
    server = int(project.tmux("display-message", "-p", "#{pid}"))
    project.socket.unlink()
    for words in (("status",), ("refresh",), ("stop", "lab-creator-shell"), ("destroy", "--auto-approve")):
        assert f"kill -USR1 {server}" in project.run(*words, code=1)
    project.run("reconnect")
    assert project.pane("lab-creator-shell").pid == pid


# --- agents without a server -------------------------------------------------------------------


@pytest.fixture
def orphaned(project: Project) -> Iterator[tuple[Project, int]]:
    """A project whose tmux server was killed, and whose agent, deaf to the hang-up, lives on."""
    deaf = {"deaf": {"command": ["sh", "-c", "trap '' HUP; while :; do sleep 1; done"]}}
    project.write({"lab": {"path": "lab", "agents": {"one": {"type": "deaf"}}}}, agent_types=deaf)
    project.apply()
    row = project.row("lab-creator-one")
    os.kill(row["server"]["pid"], signal.SIGKILL)
    wait_until(lambda: not runs(row["server"]["pid"]))
    yield project, row["pane"]["pid"]
    if runs(row["pane"]["pid"]):
        os.killpg(row["pane"]["pid"], signal.SIGKILL)


def test_an_agent_that_outlived_its_server_is_not_recorded_as_ended(orphaned: tuple[Project, int]):
    project, pid = orphaned
    for words, code in ((("stop", "lab-creator-one"), 7), (("destroy", "--auto-approve"), 7)):
        assert f"process {pid} still runs, although its session is gone" in project.run(*words, code=code)
    project.run("drift", code=1)
    project.run("refresh")
    (agent,) = project.json("status")["agents"]
    assert (agent["live"], project.row("lab-creator-one")["status"]) == ("unknown", "running")
    assert project.actions() == {"agent.lab.one": "defer"}
    assert runs(pid)
    assert (project.root / "lab").is_dir()
    os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: not runs(pid))
    assert project.actions() == {"agent.lab.one": "create"}


def test_a_later_process_with_a_recorded_pid_is_not_the_agent(project: Project):
    project.declare(claude={})
    project.apply()
    project.reboot()
    row, ours = project.row(AGENT), os.getpid()
    text = project.registry.read_text()
    for pid in {row["pane"]["pid"], row["server"]["pid"]}:
        text = text.replace(f"pid: {pid}", f"pid: {ours}")
    project.registry.write_text(text)
    assert set(project.actions()) == {"agent.lab.claude"}


def test_after_a_reboot_no_recorded_process_lives(project: Project):
    """Even one with the same pid and start: those count from the boot."""
    project.declare(claude={})
    project.apply()
    project.reboot()
    row, ours = project.row(AGENT), os.getpid()
    began = RealProcesses().started(ours)
    text = project.registry.read_text()
    for old in {f"pid: {row['pane']['pid']}", f"pid: {row['server']['pid']}"}:
        text = text.replace(old, f"pid: {ours}")
    for old in {f"ticks: {row['server']['ticks']}", f"started: {row['pane']['started']}"}:
        text = text.replace(old, f"{old.split(':')[0]}: {began.value}")
    project.registry.write_text(text)
    assert project.attempt("plan").returncode == 1, "in this boot they live"
    project.registry.write_text(text.replace(row["server"]["boot"], "another"))
    assert set(project.actions()) == {"agent.lab.claude"}


def test_a_row_of_an_older_version_is_held_against_its_processes_too(project: Project):
    project.declare(claude={})
    project.apply()
    agent, server = project.pane(AGENT), project.row(AGENT)["server"]
    lines = project.registry.read_text().splitlines(keepends=True)
    younger = ("path: /", "ticks:", "boot:", "namespace:")
    at = next(number for number, line in enumerate(lines) if line.strip() == "server:")
    kept = [line for line in lines[at:] if not line.strip().startswith(younger)]
    project.registry.write_text("".join([*lines[:at], *kept]))
    assert set(project.row(AGENT)["server"]) == {"socket", "pid", "started"}
    project.socket.unlink()
    assert f"kill -USR1 {server['pid']}" in project.run("stop", AGENT, code=1)
    project.run("reconnect")
    assert project.pane(AGENT) == agent


# --- other users -------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs of another user")
def test_another_users_server_is_named_with_the_way_to_it(project: Project):
    project.declare(shell={})
    project.apply()
    nobody, where = 65534, project.home / "nobody"
    where.mkdir()
    os.chown(where, nobody, nobody)
    project.home.chmod(0o755)
    env = {**project.env, "HOME": str(where)}
    words = ["tmux", "-S", str(where / "t"), "new-session", "-d", "-P", "-F", "#{pid} #{pane_pid}", "sleep 1000"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=env, user=nobody, group=nobody)
    server, pane = map(int, done.stdout.split())
    row = project.row("lab-creator-shell")
    project.reboot()
    text = project.registry.read_text()
    for old, new in ((row["server"]["pid"], server), (row["pane"]["pid"], pane)):
        text = text.replace(f"pid: {old}", f"pid: {new}")
    for old, pid in ((f"ticks: {row['server']['ticks']}", server), (f"started: {row['pane']['started']}", pane)):
        text = text.replace(old, f"{old.split(':')[0]}: {RealProcesses().started(pid).value}")
    project.registry.write_text(text)
    try:
        for command in (("status",), ("apply", "--auto-approve"), ("stop", "lab-creator-shell"), ("reconnect",)):
            said = project.run(*command, code=1)
            assert f"pid {server} of user nobody, is not the one at {project.socket}" in said
            assert "sudo -u nobody reconciler" in said
            assert f"kill {pane}" not in said
        assert runs(pane)
        assert project.row("lab-creator-shell")["status"] == "running"
    finally:
        os.kill(server, signal.SIGKILL)
        os.kill(pane, signal.SIGKILL)

"""attach without a name: an agent is picked on the terminal, which is afterwards as it was."""

from __future__ import annotations

import json
import pty
import signal
import subprocess

import pytest
from foreground import foreground
from jsonschema import Draft7Validator
from project import CLI, Project
from waiting import PATIENCE, wait_until

from reconciler.state.schemas import load_schema


@pytest.fixture
def lab(project: Project) -> Project:
    project.write({"site": {"path": "site", "agents": {"shell": {}, "claude": {}}}})
    project.apply()
    project.type("site-creator-claude", "please ask")
    wait_until(lambda: project.json("status", "claude")["agents"][0]["waits_for"] == "permission")
    return project


def attached(project: Project) -> list[str]:
    return project.tmux("list-clients", "-F", "#{client_session}").split()


def test_an_agent_is_picked_and_the_terminal_is_attached_to_it(lab: Project):
    with foreground(lab, "attach") as terminal:
        terminal.shows("site.shell")
        assert terminal.screen().index("needs you") < terminal.screen().index("running")
        terminal.type("she")
        terminal.shows("> she")
        terminal.type("\r")
        wait_until(lambda: attached(lab) == ["site-creator-shell"])
        lab.tmux("detach-client", "-s", "site-creator-shell")
        assert terminal.ended() == 0


def test_a_terminal_is_as_before_after_escape_ctrl_c_and_a_signal(lab: Project):
    for end in ("\x1b", "\x03", signal.SIGTERM):
        with foreground(lab, "attach", NO_COLOR="1") as terminal:
            terminal.shows("site.shell")
            assert not terminal.is_as_before()
            if isinstance(end, str):
                terminal.type(end)
            else:
                terminal.process.send_signal(end)
            assert terminal.ended() == 130
            assert terminal.is_as_before(), end
            assert "\x1b[1m" not in terminal.shown
            assert "Traceback" not in terminal.shown
    assert attached(lab) == []


def test_where_nothing_can_be_drawn_numbers_or_names_are_offered(lab: Project):
    said = lab.run("attach", code=64)
    assert "  site.claude\n  site.shell\n" in said
    assert "reconciler attach NAME" in said

    with foreground(lab, "attach", TERM="dumb") as terminal:
        terminal.shows("Number of the agent")
        terminal.type("7\n")
        assert terminal.ended() == 64
        assert "7 is not a number from 1 to 2" in terminal.shown


def test_a_program_gets_the_command_and_nothing_is_attached(lab: Project):
    document = json.loads(lab.run("attach", "shell", "--json"))
    Draft7Validator(load_schema("attach")).validate(document)
    assert document["command"][-2:] == ["-t", "=site-creator-shell"]
    assert attached(lab) == []
    assert "name an agent" in lab.run("attach", "--json", code=64)

    lab.run("stop", "shell", "claude", "--now")
    assert "no agent has a live session" in lab.run("attach", code=1)


def test_inside_of_tmux_the_client_goes_to_the_picked_agent(lab: Project):
    """A user's own session on the same server, in which the command runs."""
    words = " ".join(CLI)
    lab.tmux("new-session", "-d", "-s", "mine", "-x", "80", "-y", "24", f"cd {lab.root} && exec sh")
    outside = on_terminal_of(lab, "mine")
    try:
        wait_until(lambda: attached(lab) == ["mine"])
        lab.type("mine", f"{words} attach")
        wait_until(lambda: "site.shell" in lab.screen("mine"))
        lab.tmux("send-keys", "-t", "=mine:", "shell", "Enter")
        wait_until(lambda: attached(lab) == ["site-creator-shell"])
    finally:
        outside.kill()
        outside.wait(PATIENCE)


def on_terminal_of(project: Project, session: str) -> subprocess.Popen[bytes]:
    _, theirs = pty.openpty()
    words = ["tmux", "-u", "-S", str(project.socket), "attach-session", "-t", f"={session}"]
    env = {**project.env, "TERM": "xterm"}
    return subprocess.Popen(words, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)

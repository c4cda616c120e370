"""Whatever the user's tmux.conf says, agents start, stay and end as ever, or it is told what is in the way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from project import Project, runs
from waiting import wait_until

SESSION = "lab-creator-claude"
HARMLESS = """
set -g default-command 'sleep 1000'
set -g default-shell /bin/false
set -g default-terminal dumb
set -g base-index 7
setw -g pane-base-index 3
set -g renumber-windows on
set -g detach-on-destroy off
set -g remain-on-exit off
set-hook -g pane-died 'kill-pane'
setw -g automatic-rename on
set -g allow-rename on
set -g status off
set -g default-size 20x5
setw -g window-size smallest
set-hook -g client-detached 'kill-session'
set -g history-limit 0
set -g update-environment ''
set-environment -g PATH /nowhere
set -g lock-after-time 1
set -g lock-command 'sleep 1000'
setw -g monitor-silence 1
setw -g synchronize-panes on
set -g no-such-option on
source-file /nowhere
"""
CONFIGURATIONS = {
    "what is harmless": HARMLESS,
    "exit-empty": "set -s exit-empty off",
    "remain-on-exit": "set -g remain-on-exit failed",
    "destroy-unattached": "set -g destroy-unattached on",
    "exit-unattached": "set -s exit-unattached on",
    "both": "set -s exit-unattached on\nset -g destroy-unattached on\nnew-session -d -s mine",
    "both and a hook": (
        "set -s exit-unattached on\nset -g destroy-unattached on\n"
        "set-hook -g after-new-session 'split-window -d \"sleep 500\"'"
    ),
}


@pytest.mark.parametrize("conf", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_an_agent_starts_and_ends_whatever_the_configuration_of_tmux(project: Project, conf: str):
    _configure(project, conf)
    project.declare(claude={})
    project.apply()
    before = project.pane(SESSION).pid
    project.declare(claude={"env": {"A": "1"}})
    project.apply()
    after = project.pane(SESSION).pid
    assert (runs(before), runs(after)) == (False, True)
    assert project.actions() == {}
    project.run("stop", SESSION)
    assert not runs(after)


def test_an_agent_stays_when_a_terminal_has_shown_it(project: Project):
    _configure(project, "set -s exit-unattached on\nset -g destroy-unattached on")
    project.declare(claude={})
    project.apply()
    with _shown(project, SESSION):
        pass
    assert runs(project.pane(SESSION).pid)
    assert project.actions() == {}


def test_a_server_of_the_user_that_ends_with_its_terminals_gets_no_agent(project: Project):
    project.declare(claude={})
    project.tmux("new-session", "-d", "-s", "mine")
    with _shown(project, "mine"):
        project.tmux("set-option", "-s", "exit-unattached", "on")
        said = project.apply(code=7)
        assert "the tmux server ends when its last terminal detaches" in said
        assert f"{project.socket} set-option -s exit-unattached off" in said
        assert set(project.live()) == {"mine"}
        assert project.tmux("show-options", "-sv", "exit-unattached") == "on\n"

        project.tmux("set-option", "-s", "exit-empty", "off")  # tmux does not end then
        project.apply()
        assert set(project.live()) == {"mine", SESSION}


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (
            "new-session -d -s mine\nset-hook -g after-new-session 'if -F \"#{m:lab-*,#{session_name}}\" kill-session'",
            "after-new-session[0] if-shell",
        ),
        ("set-hook -g session-created 'kill-session'", "hook or option in your tmux.conf that ends it"),
        ("set-hook -g after-new-session 'kill-server'", "hook or option in your tmux.conf that ends it"),
    ],
)
def test_a_hook_that_ends_sessions_is_named(project: Project, hook: str, said: str):
    _configure(project, hook)
    project.declare(claude={})
    told = project.apply(code=3)
    assert "Failed: " in told
    assert said in told
    assert "tmux.conf" in told


def _configure(project: Project, conf: str) -> None:
    (project.home / ".tmux.conf").write_text(f"{conf}\n")


@contextmanager
def _shown(project: Project, session: str) -> Iterator[None]:
    """A client shows the session, as a terminal would, and goes away."""
    command = ["tmux", "-S", str(project.socket), "-C", "attach-session", "-t", f"={session}"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, env=project.env) as client:
        wait_until(lambda: project.tmux("list-clients", "-t", f"={session}"))
        try:
            yield
        finally:
            if client.stdin:
                client.stdin.close()
            client.wait()

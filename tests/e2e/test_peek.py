"""An agent's screen, as it is now, without its means to steer ours."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
from contextlib import suppress

import pytest
from jsonschema import Draft7Validator
from project import CLI, Project
from waiting import PATIENCE, wait_until

from reconciler.state.schemas import load_schema

SESSION, SHELL = "lab-creator-claude", "lab-creator-shell"
CLIS = ["claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot", "pi", "cline"]
HOSTILE = r"printf '\033[31mred\033[0m \033]0;PWNED\007\033]52;c;eA==\007\033[?1000hafter\342\200\256rtl\n'"


def peeked(project: Project, *words: str) -> list[str]:
    return [line["text"] for line in project.json("peek", *words, code=0)["lines"]]


@pytest.mark.parametrize("cli", CLIS)
def test_the_screen_of_every_cli_is_shown_at_rest_and_at_work(project: Project, cli: str):
    project.declare(**{cli: {}})
    project.apply()
    session = f"lab-creator-{cli}"
    project.type(session, "please hang")
    wait_until(lambda: "> please hang" in project.screen(session))
    document = project.json("peek", cli, code=0)
    Draft7Validator(load_schema("peek")).validate(document)
    assert (document["session"], document["live"]) == (session, "alive")
    assert "> please hang" in [line["text"] for line in document["lines"]]


def test_a_question_is_seen(project: Project):
    project.declare(claude={})
    project.apply()
    project.type(SESSION, "please ask")
    wait_until(lambda: "Do you want to proceed?" in project.run("peek", "claude"))


def test_hostile_text_is_shown_with_its_colours_and_nothing_else(project: Project):
    project.declare(shell={})
    project.apply()
    project.type(SHELL, HOSTILE)
    wait_until(lambda: "\nred " in project.run("peek", "shell"))
    plain = project.attempt("peek", "shell").stdout
    assert "\x1b" not in plain
    coloured = project.attempt("peek", "shell", FORCE_COLOR="1").stdout
    assert "\x1b[31mred\x1b[39m" in coloured or "\x1b[31mred\x1b[0m" in coloured
    for steering in ("\x1b]", "\x07", "\x1b[?", "\u202e"):
        assert steering not in coloured


def test_lines_reach_into_what_scrolled_away(project: Project):
    project.declare(shell={})
    project.apply()
    project.type(SHELL, "seq 1 300; echo don''e")
    wait_until(lambda: "done" in project.screen(SHELL))
    assert "1" not in peeked(project, "shell")
    assert {"1", "2", "300"} <= set(peeked(project, "shell", "--lines", "310"))
    assert len(peeked(project, "shell", "--lines", "3")) == 3


def test_the_last_words_of_an_agent_that_ended_are_shown(project: Project):
    project.declare(claude={})
    project.apply()
    project.type(SESSION, "please crash 3")
    wait_until(lambda: project.pane(SESSION).dead)
    done = project.attempt("peek", "claude")
    assert "Fatal: the stand-in crashes" in done.stdout
    assert "Pane is dead" not in done.stdout
    assert "agent.lab.claude has ended" in done.stderr
    assert project.json("peek", "claude")["live"] == "exited"


def test_without_a_session_it_says_how_to_start_it(project: Project):
    project.declare(claude={})
    told = project.run("peek", "claude", code=1)
    assert "agent.lab.claude has no live session" in told
    assert "reconciler resume agent.lab.claude" in told
    assert "there is no agent nobody" in project.run("peek", "nobody", code=64)


def test_a_tmux_that_cannot_be_asked_is_said_so(project: Project):
    project.declare(claude={})
    project.apply()
    bin_ = project.home / "broken"
    bin_.mkdir()
    (bin_ / "tmux").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    (bin_ / "tmux").chmod(0o755)
    assert "broken" in project.run("peek", "claude", code=1, PATH=f"{bin_}:/usr/bin:/bin")


def test_following_tells_each_change_until_ctrl_c(project: Project):
    project.declare(shell={})
    project.apply()
    watching = project.start("peek", "shell", "--follow", "--json")
    first = json.loads(watching.stdout.readline())
    project.type(SHELL, "echo ne''w")
    wait_until(lambda: "new" in [line["text"] for line in json.loads(watching.stdout.readline())["lines"]])
    watching.send_signal(signal.SIGINT)
    _, complaint = watching.communicate()
    assert (first["address"], watching.returncode, complaint) == ("agent.lab.shell", 0, "")


def test_a_terminal_is_redrawn_in_colour(project: Project):
    project.declare(shell={})
    project.apply()
    project.type(SHELL, HOSTILE)
    ours, theirs = pty.openpty()
    env = {**project.env, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    watching = subprocess.Popen([*CLI, "peek", "shell", "-f"], cwd=project.root, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""

    def drawn() -> bool:
        nonlocal seen
        if select.select([ours], [], [], 0.1)[0]:
            with suppress(OSError):
                seen += os.read(ours, 65536)
        return b"\x1b[31mred" in seen

    wait_until(drawn)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(PATIENCE) == 0
    os.close(ours)
    assert b"\x1b]" not in seen

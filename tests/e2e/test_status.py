"""One agent in detail, and all of them again and again."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess

from jsonschema import Draft7Validator
from project import CLI, Project
from waiting import PATIENCE, wait_until

from reconciler.state.schemas import load_schema

SESSION = "lab-creator-claude"


def _talked(project: Project) -> str:
    project.declare(claude={"prompt": "hello"})
    project.apply()
    wait_until(project.transcripts)
    return project.pane(SESSION).conversation


def test_one_agent_is_told_with_all_that_is_known_of_it(project: Project):
    old = _talked(project)
    project.run("stop", SESSION, "--reason", "lunch")
    project.run("resume", SESSION, "--fresh")
    pane = project.pane(SESSION)
    document = project.json("status", SESSION, code=0)
    Draft7Validator(load_schema("status")).validate(document)
    (agent,) = document["agents"]
    assert (agent["conversation"], agent["pid"]) == (pane.conversation, pane.pid)
    detail = agent["detail"]
    assert detail["workspace"] == "lab"
    assert detail["previous"] == [old]
    assert [entry["what"] for entry in detail["history"]] == ["create", "update", "create"]

    wait_until(lambda: len(project.transcripts()) == 2)
    told = project.run("status", "agent.lab.claude")
    facts = dict(line.split(maxsplit=1) for line in told.splitlines() if not line.startswith("history"))
    (transcript,) = project.home.glob(f".claude/projects/*/{pane.conversation}.jsonl")
    assert (facts["stored"], facts["resumable"], facts["previous"]) == (str(transcript), "yes", old)
    assert "update    lunch" in told


def test_a_name_that_is_none_is_told_what_may_be_meant(project: Project):
    project.declare(claude={})
    assert f"did you mean {SESSION}" in project.run("status", "lab-creator-cloude", code=64)


def test_a_watch_tells_what_is_new_and_ends_well_with_ctrl_c(project: Project):
    project.declare(claude={})
    watching = project.start("status", "--watch", "--json")
    assert json.loads(watching.stdout.readline())["agents"][0]["live"] == "gone"
    project.apply()
    wait_until(lambda: json.loads(watching.stdout.readline())["agents"][0]["state"] == "idle")
    watching.send_signal(signal.SIGINT)
    rest, complaint = watching.communicate()
    assert (watching.returncode, complaint) == (0, "")
    lines = rest.splitlines()
    assert len(lines) == len(set(lines))


def test_a_terminal_is_drawn_over(project: Project):
    project.declare(claude={})
    ours, theirs = pty.openpty()
    env = {**project.env, "TERM": "xterm-256color", "COLUMNS": "120"}
    watching = subprocess.Popen([*CLI, "status", "--watch"], cwd=project.root, env=env, stdout=theirs)
    os.close(theirs)
    seen = b""

    def drawn_twice() -> bool:
        nonlocal seen
        if select.select([ours], [], [], 0.1)[0]:
            seen += os.read(ours, 65536)
        return seen.count(b"lab.claude") >= 2

    wait_until(drawn_twice)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(PATIENCE) == 0
    os.close(ours)
    assert b"\x1b[1A" in seen  # up one line, to draw over it

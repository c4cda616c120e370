"""Agent types: what is shown of them, screens that are kept, versions that nobody checked, and a CLI without Python."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from foreground import foreground
from jsonschema import Draft7Validator
from project import Project
from waiting import wait_until

from reconciler.agents.catalogue import BUILT_IN
from reconciler.state.schemas import load_schema

sys.path.append(str(Path(__file__).parents[1] / "agents"))
from captured import read

ROOT = Path(__file__).parents[2]
SESSION = "lab-creator-pi"
ID = "0f3a7c1d-0000-4000-8000-000000000001"


def types(project: Project, *words: str) -> list[dict[str, Any]]:
    document = project.json("types", *words, code=0)
    Draft7Validator(load_schema("types")).validate(document)
    return list(document["types"])


def test_every_type_is_listed_with_where_it_is_from(project: Project):
    project.write({}, agent_types={"mine": {"command": "mine", "tested": ["1.0.0"], "source": "its page"}})
    listed = {each["name"]: each for each in types(project)}
    assert listed.keys() == {*BUILT_IN, "mine"}
    assert {name for name, each in listed.items() if each["origin"] == "built-in"} == BUILT_IN.keys()
    mine = listed["mine"]
    assert (mine["origin"], mine["file"], mine["tested"], mine["source"]) == (
        "manifest",
        "reconciler.yaml",
        ["1.0.0"],
        "its page",
    )
    assert mine["words"] == {"command": ["mine"], "tested": ["1.0.0"], "source": "its page"}
    assert re.search(r"^mine +manifest +1\.0\.0 +its own ", project.run("types"), re.MULTILINE)


@pytest.mark.parametrize("name", ["agy", "cursor-agent", "shell", "copilot"])
def test_what_is_shown_of_a_type_can_be_declared_under_another_name(project: Project, name: str):
    shown = project.run("types", name)
    block = yaml.safe_load(shown[shown.index("agent_types:") :])["agent_types"][name]
    project.write({}, agent_types={"again": block})
    project.run("validate")
    [again] = types(project, "again")
    assert again["words"] == types(project, name)[0]["words"]


def test_a_name_that_no_type_has_is_wrong_usage(project: Project):
    assert "did you mean `codex`?" in project.run("types", "codx", code=64)
    assert "one name" in project.run("types", "codex", "claude", code=64)


BEHIND = ["docker", "exec", "-it", "box"]
ELSEWHERE = ["bwrap", "--ro-bind", "/usr", "/usr", "--unshare-pid", "--"]


@pytest.mark.parametrize(
    ("base", "wrap", "lost"), [("qwen", ELSEWHERE, 3), ("claude", BEHIND, 2), ("codex", BEHIND, 2)]
)
def test_what_the_wrapper_of_a_type_hides_is_said_in_the_words_of_a_plan(
    project: Project, base: str, wrap: list[str], lost: int
):
    """But for the agent's own folder, which only a plan knows."""
    boxed = {"extends": base, "wrap": wrap}
    project.write({"lab": {"path": "lab", "agents": {"one": {"type": "boxed"}}}}, agent_types={"boxed": boxed})
    planned = [each["summary"] for each in project.json("plan")["diagnostics"]]
    of_wrapper = [said for said in planned if said.startswith("behind ") and "the folder " not in said]
    [known] = types(project, "boxed")
    assert (known["hidden"], len(known["hidden"])) == (of_wrapper, lost)
    shown = project.run("types", "boxed")
    assert re.findall(r"^Hidden +(.*)$", shown, re.MULTILINE) == of_wrapper


@pytest.mark.parametrize("wrap", [[], ["nice", "-n", "5"], ["timeout", "10h"]])
def test_a_wrapper_that_hides_nothing_is_not_told(project: Project, wrap: list[str]):
    project.write({}, agent_types={"mine": {"extends": "qwen", **({"wrap": wrap} if wrap else {"quit": "/bye"})}})
    assert [each["hidden"] for each in types(project, "mine")] == [[]]
    assert "Hidden" not in project.run("types", "mine")


# --- screens --------------------------------------------------------------------------------------


def test_a_screen_is_kept_as_a_fixture_without_the_home_of_who_keeps_it(project: Project):
    project.declare(shell={})
    project.apply()
    project.type("lab-creator-shell", f"printf '\\033]2;at %s\\007' \"$HOME/x\"; echo in {project.home}/y")
    wait_until(lambda: f"in {project.home}/y" in project.screen("lab-creator-shell"))
    words = ("--state", "idle", "--situation", "a start", "--cli-version", "5.2", "--out", "kept", "--json")
    path = Path(project.json("types", "record", "shell", *words, code=0)["path"])
    assert path == project.root / "kept" / "shell" / "idle-a_start.5.2.txt"
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text("utf-8")
    assert str(project.home) not in text
    screen = read(text)
    assert (screen.cli, screen.version, screen.state, screen.what) == ("shell", "5.2", "idle", "a start")
    assert any(line.endswith("/y") for line in screen.lines)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--state", "asleep", "--cli-version", "1.0"], "`asleep` is no state"),
        (["--state", "idle", "--cli-version", "new"], "`new` is not a version"),
        (["--cli-version", "1.0"], "nobody can be asked"),
    ],
)
def test_what_cannot_be_kept_is_said(project: Project, words: list[str], told: str):
    project.declare(shell={})
    project.apply()
    assert told in project.run("types", "record", "shell", *words, code=64)
    assert not (project.root / "screens").exists()


def test_each_new_screen_is_asked_about_until_the_user_ends_it(project: Project):
    project.declare(shell={})
    project.apply()
    with foreground(project, "types", "record", "shell", "--cli-version", "5.2") as terminal:
        terminal.shows("What does it show?")
        assert "Watching lab-creator-shell (shell 5.2)" in terminal.shown
        terminal.type("asleep\n")
        terminal.shows("`asleep` is no state.")
        terminal.type("idle start\n")
        terminal.shows("Kept: ")
        terminal.type("\x03")
        assert terminal.ended() == 130
    [kept] = (project.root / "screens" / "shell").iterdir()
    assert read(kept.read_text("utf-8")).what == "start"


# --- versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2.2.0", "mine 2.2.0 was not checked; last checked 2.1.0"),
        ("2.1.0", ""),
        ("2.0.5", ""),
        ("1.9.0", "mine 1.9.0"),
    ],
)
def test_a_version_that_nobody_checked_is_told_once_and_no_cli_is_started_for_it(
    project: Project, version: str, told: str
):
    package = project.home / "lib" / "node_modules" / "@mine" / "cli"
    program = package / "bin" / "mine"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo asked >>{project.home}/asked\nexec cat\n')
    program.chmod(0o755)
    (package / "package.json").write_text(json.dumps({"name": "@mine/cli", "version": version}))
    (project.home / "wrapped").mkdir(exist_ok=True)
    (project.home / "wrapped" / "mine").symlink_to(program)
    declared = {"command": "mine", "tested": ["2.0.0", "2.1.0"], "command_line": {"packages": "@mine/cli"}}
    project.write(
        {"lab": {"path": "lab", "agents": {"mine": {}, "two": {"type": "mine"}}}}, agent_types={"mine": declared}
    )
    project.apply()
    warnings = [each["summary"] for each in project.json("status", code=0)["diagnostics"]]
    assert warnings == ([warnings[0]] if told else [])
    assert all(told in each for each in warnings)
    assert not (project.home / "asked").exists()


# --- a CLI that is described in a manifest alone ------------------------------------------------------

PI = {
    "own": {
        "command": "pi",
        "new": ["--session-id", "{session_id}"],
        "resume": ["--session", "{session_id}"],
        "prompt": [" {prompt}"],
        "id": "uuid",
        "variables": {
            "PI_CODING_AGENT_DIR": "~/.pi/agent",
            "PI_CODING_AGENT_SESSION_DIR": "{PI_CODING_AGENT_DIR}/sessions/--{cwd_dashes}--",
        },
        "artifacts": ["{PI_CODING_AGENT_SESSION_DIR}/*_{session_id}.jsonl"],
        "head": {"cwd": "cwd", "started": "timestamp"},
        "messages": {"role": "message.role", "text": "message.content", "kinds": "text", "at": "timestamp", "id": "id"},
        "quit": "/quit",
        "resume_line": ["pi --session {session_id}", "pi --session-dir * --session {session_id}"],
        "screens": [
            {"state": "dialog", "name": "trust", "all": ["Trust project folder?", "Do not trust"], "tail": 25},
            {"state": "busy", "any": ["── ⠋ ", "Working", "escape to cancel)"]},
            {"state": "idle", "all": "──", "any": ["%/", "?/"], "tail": 4},
        ],
        "box": {"frame": "─*─"},
        "submit": "M-Enter",
        "trust": {"args": "--approve"},
        "usage": {
            "input": "message.usage.input",
            "output": "message.usage.output",
            "cache_read": "message.usage.cacheRead",
            "cache_write": "message.usage.cacheWrite",
            "usd": "message.usage.cost.total",
            "model": "message.model",
            "at": "timestamp",
            "id": "id",
        },
    }
}


@pytest.mark.parametrize("kind", ["pi", "own"])
def test_pi_in_a_manifest_alone_passes_the_same_drive_as_the_built_in_one(project: Project, kind: str):
    def declare(**more: object) -> None:
        project.write({"lab": {"path": "lab", "agents": {"pi": {"type": kind, **more}}}}, agent_types=PI)

    declare(prompt="Remember the word larch.", trust=True)
    project.apply()
    assert project.run("plan", "--detailed-exitcode", code=0)
    [agent] = project.json("status", code=0)["agents"]
    conversation = agent["conversation"]
    wait_until(lambda: project.json("status", code=0)["agents"][0]["state"] == "idle")

    messages = project.json("last", "pi", code=0)["messages"]
    assert messages[0]["text"].strip() == "Remember the word larch."
    project.run("send", "pi", "please hang")
    wait_until(lambda: project.json("status", code=0)["agents"][0]["state"] == "busy")
    assert "busy" in project.run("send", "pi", "more", code=7)
    project.type(SESSION, "done")
    wait_until(lambda: project.json("status", code=0)["agents"][0]["state"] == "idle")

    [used] = project.json("usage", code=0)["groups"]
    assert (used["tokens"]["input"], used["tokens"]["cache_read"], used["tokens"]["output"]) == (2400, 600, 90)

    project.run("stop", "pi")
    project.run("resume", "pi")
    wait_until(lambda: project.json("status", code=0)["agents"][0]["state"] == "idle")
    assert project.json("status", code=0)["agents"][0]["conversation"] == conversation
    project.type(SESSION, "/quit")
    wait_until(lambda: project.json("status", code=0)["agents"][0]["live"] != "alive")
    project.apply()
    assert project.json("status", code=0)["agents"][0]["conversation"] == conversation
    listed = project.json("conversations", code=0)["conversations"]
    assert [each["id"] for each in listed] == [conversation]


def test_the_cli_of_the_page_takes_six_lines_and_can_be_applied(project: Project):
    page = (ROOT / "docs" / "manifest.md").read_text("utf-8").partition("\n## `agent_types`\n")[2]
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block
    lines = block[1].split("\n  scribe:\n")[1].rstrip().split("\n")
    assert len(lines) <= 6
    (project.home / "wrapped").mkdir(exist_ok=True)
    (project.root / "reconciler.yaml").write_text(f"{block[1]}tmux: {{socket_path: {project.socket}}}\n")
    (project.home / "wrapped" / "scribe").write_text("#!/bin/sh\nprintf '\\033]2;scribe\\007'\nexec cat\n")
    (project.home / "wrapped" / "scribe").chmod(0o755)
    project.apply()
    wait_until(lambda: project.json("status", code=0)["agents"][0]["state"] == "idle")
    assert project.json("status", code=0)["agents"][0]["live"] == "alive"

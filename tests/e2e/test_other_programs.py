"""Another program, folder or PATH for one agent, and secrets that commands print."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from project import STANDINS, Project, arguments, command_lines, environment
from waiting import wait_until

SESSION = "lab-creator-one"
SECRET = "s3cr3t-of-a-command"
PAGES = Path(__file__).parents[2] / "docs"


def _agent(project: Project) -> dict[str, Any]:
    return next(row for row in project.json("status")["agents"] if row["session"] == SESSION)


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def _claude(folder: Path) -> Path:
    """Another installation of the stand-in."""
    folder.mkdir(parents=True)
    (folder / "claude").symlink_to(STANDINS / "claude")
    return folder / "claude"


# --- command, path, cwd -----------------------------------------------------------------------


def test_an_agent_has_a_program_of_its_own_and_keeps_its_type(project: Project) -> None:
    program = _claude(project.home / "canary")
    project.declare(one={"type": "claude", "command": "~/canary/claude", "prompt": "hello"})
    project.apply()
    wait_until(lambda: _agent(project)["state"] == "idle")
    assert str(program) in arguments(project.pane(SESSION).pid)
    conversation = _agent(project)["conversation"]
    project.declare(one={"type": "claude", "prompt": "hello"})
    [change] = project.plan()["resource_changes"][-1]["changes"]
    assert (change["path"], change["before"], change["after"]) == ("command", [str(program)], ["claude"])
    project.apply()
    wait_until(lambda: _agent(project)["state"] == "idle")
    assert _agent(project)["conversation"] == conversation


def test_folders_come_before_the_path_that_the_agent_gets(project: Project) -> None:
    program = _claude(project.root / "tools")
    project.declare(one={"type": "claude", "path": ["tools", "~/more"], "prompt": "hello"})
    said = project.run("plan")
    assert f"{project.home}/more is not a folder" in said
    project.apply()
    pid = project.pane(SESSION).pid
    folders = environment(pid)["PATH"].split(":")
    assert folders[:2] == [str(project.root / "tools"), str(project.home / "more")]
    assert str(program) in arguments(pid)
    assert project.actions() == {}
    project.declare(one={"type": "claude", "path": ["tools"], "env": {"PATH": "/usr/bin:/bin"}, "prompt": "hello"})
    project.apply("--force")
    pid = project.pane(SESSION).pid
    assert environment(pid)["PATH"] == f"{project.root}/tools:/usr/bin:/bin"
    assert project.actions() == {}


def test_an_agent_works_in_another_folder_than_its_workspace(project: Project) -> None:
    (project.root / "lab" / "web").mkdir(parents=True)
    project.declare(one={"type": "claude", "cwd": "web", "prompt": "hello"}, two={"type": "claude"})
    project.apply()
    wait_until(lambda: _agent(project)["state"] == "idle")
    project.run("refresh")
    assert project.pane(SESSION).cwd == str(project.root / "lab" / "web")
    assert project.recorded()["workspaces"]["lab"]["path"] == str(project.root / "lab")
    [transcript] = (project.home / ".claude" / "projects").glob("*/*.jsonl")
    assert transcript.parent.name.endswith("-lab-web")
    assert project.row(SESSION)["resumable"] is True
    assert project.actions() == {}
    assert project.json("drift")["in_sync"]

    project.declare(one={"type": "claude", "prompt": "hello"}, two={"type": "claude"})
    changes = project.plan()["resource_changes"]
    moved = next(each for each in changes if each["address"] == "agent.lab.one")
    assert [each["path"] for each in moved["changes"]] == ["cwd"]


def test_a_folder_that_is_missing_is_told_before_anything_ends(project: Project) -> None:
    project.declare(one={"type": "claude", "prompt": "hello"})
    project.apply()
    wait_until(lambda: _agent(project)["state"] == "idle")
    pid = project.pane(SESSION).pid
    project.declare(one={"type": "claude", "prompt": "hello", "cwd": "no/such"})
    said = project.apply(code=1)
    assert f"{project.root}/lab/no/such is not a folder" in said
    assert "mkdir -p" in said
    assert project.pane(SESSION).pid == pid
    assert "no/such is not a folder" in project.run("validate")


# --- what a command prints --------------------------------------------------------------------


def _with_command(*words: str, **rest: object) -> dict[str, object]:
    return {"type": "claude", "env": {"TOK": {"from_command": list(words), **rest}}}


def test_what_a_command_prints_is_in_the_agent_and_nowhere_else(project: Project) -> None:
    marks = project.root / "runs"
    _program(project.root / "vault", f'echo "$1" >> {marks}; echo {SECRET}')
    project.declare(one=_with_command("./vault", "one"), two=_with_command("./vault", "one"))
    project.plan()
    project.run("validate")
    assert not marks.exists(), "only an apply runs it"
    said = project.apply("--json")
    for session in (SESSION, "lab-creator-two"):
        assert environment(project.pane(session).pid)["TOK"] == SECRET
    assert marks.read_text() == "one\n", "once, for both"
    assert SECRET not in said
    assert SECRET.encode() not in command_lines()
    assert SECRET not in project.tmux("show-environment", "-t", f"={SESSION}")
    holders = [name for name, content in project.files().items() if SECRET.encode() in content]
    assert holders == ["project/vault"]
    assert project.actions() == {}
    project.declare(one=_with_command("./vault", "two"), two=_with_command("./vault", "one"))
    [change] = [each for each in project.plan()["resource_changes"] if each["actions"] != ["no-op"]]
    assert [(each["path"], each["after"]) for each in change["changes"]] == [("env.TOK", None)]


FAILURES = {
    "false": ("exited with status 1", ["false"]),
    "long": ("did not end within 0.2 s", ["sleep", "60"]),
    "lines": ("printed more than one line", ["printf", r"a\nb"]),
    "nul": ("printed a NUL character", ["printf", r"a\0b"]),
    "empty": ("printed nothing", ["true"]),
    "much": ("printed more than 65536 bytes", ["yes"]),
    "killed": ("was ended by signal 9", ["sh", "-c", "kill -9 $$"]),
}


def test_a_command_that_fails_holds_back_its_own_agent_alone(project: Project) -> None:
    project.declare(kept={"type": "claude", "prompt": "hello"})
    project.apply()
    pid = project.pane("lab-creator-kept").pid
    agents = {
        name: _with_command(*words, timeout="200ms" if name == "long" else "20s")
        for name, (_, words) in FAILURES.items()
    }
    project.declare(one={"type": "claude"}, kept=_with_command("false"), **agents)
    said = project.apply("--force", code=3)
    for name, (why, words) in FAILURES.items():
        assert re.search(rf"agent\.lab\.{name}: Failed: TOK has no value: {words[0]} {why}", said), said
    assert project.pane("lab-creator-kept").pid == pid, "nothing ends for a start that fails"
    assert set(project.live()) == {SESSION, "lab-creator-kept"}
    assert "Traceback" not in said


def test_a_value_is_taken_as_it_is(project: Project) -> None:
    value = "${HOME} $(id) #{pid} ~/x 'q'"
    project.declare(one=_with_command("printf", "%s", value.replace("${", "$${")))
    project.apply()
    assert environment(project.pane(SESSION).pid)["TOK"] == value


def test_a_command_that_is_not_there_is_told_by_plan_and_validate(project: Project) -> None:
    project.declare(one=_with_command("no-such-vault", "read"))
    assert "no-such-vault is not found" in project.run("validate")
    assert "no-such-vault is not found" in project.run("plan", code=1)


@pytest.mark.parametrize("value", [[], "op read x", [1]])
def test_a_wrong_command_is_a_mistake_in_the_manifest(project: Project, value: object) -> None:
    project.write(
        {"lab": {"path": "lab", "agents": {"one": {"type": "claude", "env": {"T": {"from_command": value}}}}}}
    )
    assert "from_command" in project.run("validate", code=1)


# --- the page ---------------------------------------------------------------------------------


def test_the_sandboxed_claude_of_the_page_runs(project: Project) -> None:
    page = (PAGES / "manifest.md").read_text()
    block = page.split("### `wrap`")[1].split("```yaml\n")[1].split("```")[0]
    assert len(block.splitlines()) <= 6
    wrap = re.search(r"wrap: \[bwrap,(.*?)\]", block, re.DOTALL)
    assert wrap
    words = ["bwrap", *(word.strip().replace("~/", f"{project.home}/") for word in wrap[1].split(","))]
    if subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip("bwrap does not run here")
    # the page hides /tmp, where this checkout may be, but not the home
    shutil.copytree(STANDINS.parent, project.home / "standin", ignore=shutil.ignore_patterns("__pycache__"))
    (project.home / "wrapped").mkdir()
    (project.home / "wrapped" / "claude").symlink_to(project.home / "standin" / "bin" / "claude")
    (project.root / "reconciler.yaml").write_text(f"{block}tmux: {json.dumps({'socket_path': str(project.socket)})}\n")
    project.apply()
    session = "api-creator-claude"

    def agent() -> dict[str, Any]:
        return project.json("status")["agents"][0]

    wait_until(lambda: agent()["state"] == "idle")
    assert project.json("send", session, "please hang", "--wait-idle", "20")["verdict"] == "submitted"
    wait_until(lambda: agent()["state"] == "busy")
    assert list((project.home / ".claude" / "projects").glob("*/*.jsonl"))
    assert arguments(project.pane(session).pid)[0] == "bwrap"
    assert project.actions() == {}

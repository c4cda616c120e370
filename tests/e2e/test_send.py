"""One prompt to a running agent, without a job and without a broker: real tmux, stand-ins of the CLIs."""

from __future__ import annotations

import json
import stat
from typing import Any

import jsonschema
import pytest
from project import SCHEMAS, Project
from waiting import wait_until

from reconciler import ReconcilerError, open_project

SESSION = "lab-creator-one"
CLIS = ("claude", "codex", "gemini", "qwen", "copilot", "opencode", "kilo", "pi")
HOSTILE = "say hello $(touch pwned) `touch pwned` #{q:x} #(touch pwned) %1"
UNPROVED = ("agy", "cursor-agent")  # nothing that they store says what they were told


def _ready(project: Project, cli: str = "claude", **rest: object) -> None:
    project.declare(one={"type": cli, **rest})
    project.apply()


def _state(project: Project) -> object:
    rows = project.json("status")["agents"]
    return next(row["state"] for row in rows if row["session"] == SESSION)


def _sent(project: Project, *words: str, code: int = 0, name: str = SESSION) -> dict[str, Any]:
    document = project.json("send", name, *words, code=code)
    jsonschema.validate(document, json.loads((SCHEMAS / "send.schema.json").read_text()))
    return document


def _untouched(project: Project) -> bool:
    """No job is recorded, and no broker was asked for."""
    return not list((project.root / ".mam").rglob("*.json")) and not (project.root / "delegate_job_logs").exists()


@pytest.mark.parametrize("cli", CLIS)
def test_a_prompt_reaches_the_agent_and_that_is_proved(project: Project, cli: str) -> None:
    _ready(project, cli)
    document = _sent(project, HOSTILE, "--wait-idle", "20")
    assert (document["verdict"], document["session"]) == ("submitted", SESSION)
    assert document["evidence"] in {"transcript", "cli_state"}
    assert HOSTILE in project.screen(SESSION)
    assert not list(project.home.rglob("pwned"))
    assert _untouched(project)


def test_words_in_a_conversation_that_only_now_has_a_name_are_proof(project: Project) -> None:
    _ready(project, "cline")
    document = _sent(project, "say hello to everybody who is here", "--wait-idle", "20")
    assert (document["verdict"], document["evidence"]) == ("submitted", "transcript")


@pytest.mark.parametrize("cli", UNPROVED)
def test_a_cli_that_proves_nothing_is_told_so(project: Project, cli: str) -> None:
    _ready(project, cli)
    document = _sent(project, HOSTILE, "--wait-idle", "20", code=3)
    assert document["verdict"] == "unverified"
    assert HOSTILE in project.screen(SESSION)
    assert not list(project.home.rglob("pwned"))


def test_the_text_comes_from_a_file_or_from_standard_input(project: Project) -> None:
    _ready(project)
    (project.root / "task.md").write_text("from the file")
    assert f"{SESSION}  submitted, transcript" in project.run("send", SESSION, "@task.md", "--wait-idle", "20")
    assert ["from the file"] in project.transcripts().values()
    project.run("send", SESSION, "@none.md", code=64)
    project.run("send", SESSION, "-", code=64)  # standard input is empty
    assert "the prompt is empty" in project.run("send", SESSION, " \n", code=64)
    assert "the prompt is empty" in project.run("send", SESSION, "\x1b\x07", code=64)
    assert ["from the file"] in project.transcripts().values()


def test_hostile_text_is_typed_as_it_is(project: Project) -> None:
    _ready(project)
    words = ["$(touch pwned); `touch pwned` #{q:x} %1 'x' \"y\"", "-- -l Enter C-c", "\x1b[201~touch pwned\r!touch it"]
    for text in words:
        project.run("send", "--wait-idle", "20", SESSION, "--", text)
    [said] = project.transcripts().values()
    assert said == [*words[:2], "[201~touch pwned!touch it"]
    assert not list(project.home.rglob("pwned"))


def test_a_long_prompt_goes_by_a_file_that_is_ours_alone(project: Project) -> None:
    _ready(project)
    long = "word " * 2000
    (project.root / "task.md").write_text(long)
    _sent(project, "@task.md", "--wait-idle", "20")
    [path] = (project.root / ".mam" / "jobs" / ".prompts").iterdir()
    assert path.read_text() == long
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [[said]] = project.transcripts().values()
    assert str(path) in said
    path.parent.chmod(0o777)
    assert "chmod" in project.run("send", SESSION, "@task.md", code=7)


def test_an_agent_in_use_is_left_alone(project: Project) -> None:
    _ready(project)
    _sent(project, "hang", "--wait-idle", "20")
    wait_until(lambda: _state(project) == "busy")
    assert _sent(project, "more", code=7)["verdict"] == "refused_busy"
    assert "--wait-idle" in project.run("send", SESSION, "more", code=7)
    project.type(SESSION, "done")
    assert _sent(project, "ask", "--wait-idle", "20")["verdict"] == "submitted"
    wait_until(lambda: "Esc to cancel" in project.screen(SESSION))
    before = project.screen(SESSION)
    assert _sent(project, "1", code=7)["verdict"] == "refused_dialog"
    assert project.screen(SESSION) == before
    [said] = project.transcripts().values()
    assert [text for text in said if text != "done"] == ["hang", "ask"]


def test_a_dead_agent_an_unknown_one_and_a_shell_get_nothing(project: Project) -> None:
    project.declare(one={"type": "claude"}, sh={"type": "shell"})
    assert "there is no agent nobody" in project.run("send", "nobody", "hello", code=64)
    assert "does not exist" in project.run("send", SESSION, "hello", code=1)
    project.apply()
    assert _sent(project, "touch typed", name="lab-creator-sh", code=7)["verdict"] == "refused_shell"
    project.lose(SESSION)
    assert "reconciler resume" in project.run("send", SESSION, "hello", code=1)
    assert not list(project.home.rglob("typed"))


def test_python_sends_the_same(project: Project) -> None:
    _ready(project)
    project.json("status")
    at = open_project(str(project.root))
    with pytest.raises(ReconcilerError):
        at.send(SESSION, "\x07")
    sent = at.send(SESSION, "from Python", wait_idle=20)
    assert (sent["verdict"], sent["address"]) == ("submitted", "agent.lab.one")
    assert "from Python" in project.screen(SESSION)

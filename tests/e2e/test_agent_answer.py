"""The permission dialog of any agent, without a job and without a broker: real tmux, stand-ins of the CLIs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
from jobs.desk import opened
from msgspec.structs import replace
from project import SCHEMAS, Project
from waiting import wait_until

from reconciler.jobs.record import Records, read, update
from reconciler.model.job import Permission
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles

SESSION = "lab-creator-one"
CLIS = ("claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot", "cline")
REQUEST = "0123456789abcdef"


def _asking(project: Project, cli: str = "claude") -> None:
    project.declare(one={"type": cli, "prompt": "ask"})
    project.apply()
    _asks(project)


def _asks(project: Project) -> None:
    wait_until(lambda: project.attempt("answer", SESSION).returncode == 0)


def _document(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    document = project.json("answer", SESSION, *words, code=code)
    jsonschema.validate(document, json.loads((SCHEMAS / "answer.schema.json").read_text()))
    return document


def _given(project: Project, request: str, choice: str = "approve", code: int = 0) -> str:
    return project.run("answer", SESSION, "--request", request, choice, code=code)


def _log(project: Project) -> list[dict[str, Any]]:
    lines = (project.root / ".mam" / "jobs" / ".requests" / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("cli", CLIS)
def test_what_an_agent_asks_is_shown_and_allowed_once(project: Project, cli: str) -> None:
    _asking(project, cli)
    before = project.screen(SESSION)
    shown = _document(project)
    assert (shown["job"], shown["answer"], shown["address"]) == (None, None, "agent.lab.one")
    assert any("touch" in line or "Shell" in line for line in shown["lines"])
    assert _document(project)["request"] == shown["request"]  # two people look at one dialog
    assert f"--request {shown['request']} approve|deny" in project.run("answer", SESSION)
    assert project.screen(SESSION) == before

    assert _given(project, shown["request"]) == f"approve: {shown['question']}\n"
    wait_until(lambda: "canned reply" in project.screen(SESSION))
    _given(project, shown["request"], code=7)
    project.run("answer", SESSION, code=7)
    said = _log(project)
    assert [(each["what"], each["session"], each["answer"]) for each in said] == [
        ("answering", SESSION, "approve"),
        ("answered", SESSION, "approve"),
    ]
    assert said[0]["by"]["user"]
    assert said[0]["dialog"] == shown["digest"]


def test_it_can_be_denied(project: Project) -> None:
    _asking(project)
    request = _document(project)["request"]
    assert _document(project, "--request", request, "deny")["answer"] == "deny"
    wait_until(lambda: "Esc to cancel" not in project.screen(SESSION))
    assert _log(project)[-1]["answer"] == "deny"


def test_what_was_never_shown_cannot_be_answered(project: Project) -> None:
    _asking(project)
    before = project.screen(SESSION)
    for request in ("0123456789abcdef", "../../x", "\x1b[31m"):
        assert "no dialog of" in _given(project, request, code=7)
    assert "an answer needs the id of the dialog that you saw" in project.run("answer", SESSION, "approve", code=64)
    assert project.screen(SESSION) == before


def test_one_changed_character_and_nothing_is_pressed(project: Project) -> None:
    _asking(project)
    request = _document(project)["request"]
    [path] = (project.root / ".mam" / "jobs" / ".requests").glob(f"*/{request}.shown")
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "digest": "0" + kept["digest"][1:] if kept["digest"][0] != "0" else "1"}))
    before = project.screen(SESSION)
    said = _given(project, request, code=7)
    assert "asks something different from what you saw" in said
    assert "touch played" in said
    assert project.screen(SESSION) == before


def test_of_many_who_answer_at_once_one_does(project: Project) -> None:
    _asking(project)
    request = _document(project)["request"]
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(project.attempt, "answer", SESSION, "--request", request, "approve") for _ in range(4)]
        codes = sorted(call.result().returncode for call in calls)
    assert codes == [0, 7, 7, 7]
    assert [each["what"] for each in _log(project)] == ["answering", "answered"]


def test_the_same_question_again_is_another_request_and_another_run_knows_none_of_it(project: Project) -> None:
    _asking(project)
    first = _document(project)["request"]
    _given(project, first)
    wait_until(lambda: project.attempt("send", SESSION, "ask", "--wait-idle", "20").returncode == 0)
    _asks(project)
    second = _document(project)["request"]
    assert second != first
    _given(project, first, code=7)
    project.run("stop", SESSION, "--now")
    project.run("resume", SESSION)
    project.run("send", SESSION, "ask", "--wait-idle", "20")
    _asks(project)
    assert "no dialog of" in _given(project, second, code=7)


def test_a_job_that_waits_lends_its_request(project: Project) -> None:
    _asking(project)
    records = Records(str(project.root / ".mam" / "jobs"), RealFiles(), RealClock())
    job = opened(records, agent=SESSION, agent_session=f"tmux:{SESSION}", workdir=str(project.root))
    asked = Permission(REQUEST, "Bash", "touch played", job.created_at)
    update(records, job.id, lambda job: replace(job, permission=asked))
    document = _document(project)
    assert (document["job"], document["request"]) == (job.id, REQUEST)
    assert _given(project, REQUEST).startswith("approve: ")
    assert read(records, job.id).permission is None
    audited = (project.root / "delegate_job_logs" / job.id / "events.jsonl").read_text()
    assert '"answered"' in audited


def test_an_agent_that_asks_nothing_a_shell_and_a_dead_one_are_told_apart(project: Project) -> None:
    project.declare(one={"type": "claude", "env": {"STANDIN_DIALOG": "trust"}}, sh={"type": "shell"})
    assert "does not exist" in project.run("answer", SESSION, code=1)
    project.apply()
    assert "trust" in project.run("answer", SESSION, code=7)
    assert "does not wait for a permission" in project.run("answer", "lab-creator-sh", code=7)
    assert "there is no agent nobody" in project.run("answer", "nobody", code=64)


def _answer_by_hand(project: Project) -> None:
    """In its terminal; then it asks the same again."""
    project.tmux("send-keys", "-t", f"={SESSION}:", "Enter")
    project.run("send", SESSION, "ask", "--wait-idle", "20")
    _asks(project)


@pytest.mark.parametrize("cli", ["claude", "codex", "qwen", "copilot", "opencode"])
def test_a_request_that_was_answered_by_hand_is_not_taken_for_the_same_question_asked_again(
    project: Project, cli: str
) -> None:
    """The lines above Gemini's question differ; nothing names Kilo's conversation at its first question."""
    _asking(project, cli)
    _answer_by_hand(project)  # from here on, the lines above the question are the same ones, too
    first = _document(project)
    _answer_by_hand(project)
    before = project.screen(SESSION)
    said = _given(project, first["request"], code=7)
    assert "the agent asks again" in said
    assert f"reconciler answer {SESSION}" in said
    assert project.screen(SESSION) == before
    second = _document(project)
    assert (second["digest"], second["request"] != first["request"]) == (first["digest"], True)
    _given(project, second["request"])

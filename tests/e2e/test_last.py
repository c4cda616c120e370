"""What an agent said last, from what its CLI stored."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft7Validator
from project import Project
from waiting import wait_until

from reconciler.state.schemas import load_schema

SESSION = "lab-creator-claude"
CLIS = ["claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot", "pi", "cline"]
EVIL = "x\x1b]0;PWNED\x07\x1b[2J\u202e\r::error::y"


def said(project: Project, *words: str) -> list[tuple[str, str]]:
    return [(each["role"], each["text"]) for each in project.json("last", *words, code=0)["messages"]]


@pytest.mark.parametrize("cli", CLIS)
def test_the_last_turns_of_every_cli_are_told(project: Project, cli: str):
    project.declare(**{cli: {}})
    project.apply()
    session = f"lab-creator-{cli}"
    answers = [("assistant", f"This is a canned reply to {length} characters.") for length in (5, 6)]
    project.type(session, "first")
    wait_until(lambda: said(project, cli) == [("user", "first"), answers[0]])
    project.type(session, "second")
    wait_until(lambda: said(project, cli) == [("user", "second"), answers[1]])
    document = project.json("last", cli, "--turns", "5")
    Draft7Validator(load_schema("last")).validate(document)
    assert [each["text"] for each in document["messages"]] == ["first", answers[0][1], "second", answers[1][1]]
    assert not document["cut"]
    assert all(each["at"] or cli == "claude" for each in document["messages"])
    told = project.run("last", cli)
    assert "  second\n" in told
    assert "first" not in told


def test_an_agent_that_rests_or_is_at_work_is_told_of_as_well(project: Project):
    project.declare(claude={})
    project.apply()
    assert "(no message is stored in the conversation of agent.lab.claude yet)" in project.run("last", "claude")
    project.type(SESSION, "please hang")
    wait_until(lambda: said(project, "claude") == [("user", "please hang")])
    project.run("stop", "claude", "--now")
    assert said(project, "claude") == [("user", "please hang")]


def test_what_cannot_be_read_is_said_so(project: Project):
    project.declare(shell={})
    project.apply()
    told = project.run("last", "shell", code=1)
    assert "it is not known how shell stores what was said" in told
    assert "reconciler peek agent.lab.shell" in told
    assert "there is no agent nobody" in project.run("last", "nobody", code=64)


def test_hostile_messages_are_harmless_and_long_files_are_read_from_their_end(project: Project):
    project.declare(claude={"prompt": "hello"})
    project.apply()
    wait_until(project.transcripts)
    (transcript,) = (project.home / ".claude" / "projects").glob("*/*.jsonl")
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": EVIL}]
    noise = json.dumps({"type": "progress", "data": "n" * 1000}) + "\n"
    lines = [
        {"type": "user", "message": {"role": "user", "content": "the question"}, "timestamp": "2026-01-01T00:00:00Z"},
        {"type": "assistant", "message": {"id": "m", "content": blocks}},
        {"type": "user", "message": {"content": [{"type": "tool_result", "content": "no prompt"}]}},
        {"type": "user", "isSidechain": True, "message": {"content": "of a sub-agent"}},
        {"type": "assistant", "message": {"id": "m", "content": [{"type": "text", "text": "more"}]}},
    ]
    with transcript.open("a") as file:
        file.write(noise * 3000)
        file.writelines(json.dumps(line) + "\n" for line in lines[:1])
        file.write(noise * 3000)
        file.writelines(json.dumps(line) + "\n" for line in lines[1:])
        file.write('{"type":"user","mess')
    assert said(project, "claude") == [("user", "the question"), ("assistant", f"{EVIL}\nmore")]
    told = project.attempt("last", "claude").stdout
    assert r"\x1b]0;PWNED" in told
    assert not {"\x1b", "\x07", "\r"} & set(told)
    with transcript.open("a") as file:
        file.write("\n" + noise * 20_000)
    document = project.json("last", "claude")
    assert document["cut"]
    assert "too far up" in project.run("last", "claude")

"""Qwen as seen: Claude's folder keys, a runtime file before the first prompt."""

from __future__ import annotations

import json

import claude
import pytest
from driving import ENTER, ID, OTHER, files, lines

READY = "Type your message or @path/to/file"


def answered(start, *command):
    cli = start("qwen", *command, "hello")
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    return cli


def test_before_the_first_prompt_only_runtime_and_registration_are_there(start, home, workspace):
    cli = start("qwen", "--session-id", ID)
    cli.titled(f"Qwen - {workspace.name}")
    chats = f".qwen/projects/{claude.project_key(str(workspace))}/chats"
    assert files(home) == [f"{chats}/{ID}.runtime.json", f".qwen/sessions/{cli.process.pid}.json"]
    runtime = json.loads((home / chats / f"{ID}.runtime.json").read_text())
    assert runtime == {"pid": cli.process.pid, "session_id": ID, "work_dir": str(workspace)}


def test_resume_goes_on_in_the_same_file(start, home, workspace):
    answered(start, "--session-id", ID)
    assert f"qwen --resume {ID}" in answered(start, "--resume", ID).shown
    answered(start, "--continue")
    (file,) = home.glob(f".qwen/projects/*/chats/{ID}.jsonl")
    assert (lines(file)[0]["sessionId"], lines(file)[0]["cwd"]) == (ID, str(workspace))
    assert [line["type"] for line in lines(file)] == ["user", "assistant"] * 3


def test_used_and_unknown_ids_are_refused(start):
    answered(start, "--session-id", ID)
    assert start("qwen", "--session-id", ID).ended() == 1
    assert start("qwen", "--resume", OTHER).ended() == 1


def test_the_registration_goes_and_runtime_stays_at_the_end(start, home):
    answered(start, "--session-id", ID)
    assert list((home / ".qwen" / "sessions").iterdir()) == []
    assert len(list(home.glob(f".qwen/projects/*/chats/{ID}.runtime.json"))) == 1


@pytest.mark.parametrize(("key", "replied"), [(ENTER, True), ("3", False)])
def test_the_permission_prompt_shows_in_the_title(start, workspace, key, replied):
    cli = start("qwen", "ask")
    cli.shows("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} 1. Yes, allow once")
    cli.titled(f"✳︎ Qwen - {workspace.name}")
    cli.type(key)
    if replied:
        cli.shows("canned reply")  # the title goes back before that is drawn
    cli.titled("Qwen")
    assert ("canned reply" in cli.shown) is replied

"""Cline as seen: an id of its own from the first prompt on, and a file that tells what its process does."""

from __future__ import annotations

import json

import pytest
from driving import ENTER, ESCAPE
from waiting import wait_until


def states(home):
    files = sorted(home.glob(".cline/data/sessions/*/*_?????.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def test_nothing_is_stored_before_the_first_prompt_and_then_the_process_is_named(start, home, workspace):
    cli = start("cline", "-i")
    cli.shows("Ask anything...")
    assert states(home) == {}
    cli.type("hang" + ENTER)
    wait_until(lambda: [each["status"] for each in states(home).values()] == ["running"])
    cli.type("done" + ENTER)
    cli.shows("canned reply")
    wait_until(lambda: [each["status"] for each in states(home).values()] == ["idle"])
    ((conversation, state),) = states(home).items()
    assert (state["session_id"], state["pid"], state["cwd"]) == (conversation, cli.process.pid, str(workspace))


def test_resume_goes_on_in_the_same_file(start, home):
    cli = start("cline", "-i", "hello")
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    (conversation,) = states(home)
    assert f"cline --id {conversation}" in cli.shown
    assert states(home)[conversation]["status"] == "completed"
    again = start("cline", "-i", "--id", conversation)
    again.shows("Ask anything...")
    again.type("more" + ENTER)
    again.shows("to 4 characters")
    (messages,) = home.glob(f".cline/data/sessions/{conversation}/*.messages.json")
    assert [each["role"] for each in json.loads(messages.read_text())["messages"]] == ["user", "assistant"] * 2
    assert start("cline", "-i", "--id", "1796035331230_aaaaa").ended() == 1


def test_new_leaves_the_conversation(start, home):
    cli = start("cline", "-i", "hello")
    cli.shows("canned reply")
    cli.type("/new" + ENTER)
    cli.type("more" + ENTER)
    cli.shows("to 4 characters")
    wait_until(lambda: [each["status"] for each in states(home).values()] == ["cancelled", "idle"])


@pytest.mark.parametrize(("key", "replied"), [("y", True), ("n", False), (ESCAPE, False)])
def test_the_permission_prompt_takes_letters(start, home, key, replied):
    cli = start("cline", "-i", "ask")
    cli.shows("[y] Approve")
    wait_until(lambda: [each["status"] for each in states(home).values()] == ["pending"])
    cli.type(key)
    cli.shows("canned reply" if replied else "Interrupted")

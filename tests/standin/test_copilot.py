"""Copilot as seen: a folder for each session with a lock that names the process."""

from __future__ import annotations

import pytest
from driving import CTRL_C, DOWN, ENTER, ID, OTHER, files, lines

READY = "/ for commands"


def answered(start, *command):
    cli = start("copilot", *command, "-i", "hello")
    cli.shows("canned reply")
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0
    return cli


def events(home, conversation=ID):
    return lines(home / ".copilot" / "session-state" / conversation / "events.jsonl")


def test_folder_and_lock_are_there_before_the_first_prompt(start, home, workspace):
    cli = start("copilot", "--session-id", ID)
    cli.titled("GitHub Copilot")
    folder = f".copilot/session-state/{ID}"
    assert files(home) == [f"{folder}/inuse.{cli.process.pid}.lock", f"{folder}/workspace.yaml"]
    assert (home / folder / "workspace.yaml").read_text() == f"id: {ID}\ncwd: {workspace}\n"


def test_the_first_event_names_conversation_and_folder(start, home, workspace):
    answered(start, "--session-id", ID)
    first = events(home)[0]
    assert (first["type"], first["data"]["sessionId"]) == ("session.start", ID)
    assert first["data"]["context"]["cwd"] == str(workspace)


@pytest.mark.parametrize("resume", [["--session-id", ID], [f"--resume={ID}"], ["--resume", ID[:7]], ["--continue"]])
def test_every_way_to_resume_goes_on_in_the_same_file(start, home, resume):
    answered(start, "--session-id", ID)
    assert f"copilot --resume={ID}" in answered(start, *resume).shown
    assert [event["type"] for event in events(home)].count("user.message") == 2


def test_an_unknown_id_is_refused(start):
    assert start("copilot", f"--resume={OTHER}").ended() == 1


def test_the_lock_goes_at_an_end_in_order_and_stays_after_sigkill(start, home):
    answered(start, "--session-id", ID)
    assert list(home.rglob("*.lock")) == []
    cli = start("copilot", "--session-id", ID)
    cli.titled("hello - GitHub Copilot")
    cli.process.kill()
    cli.ended()
    assert [lock.name for lock in home.rglob("*.lock")] == [f"inuse.{cli.process.pid}.lock"]


def test_the_first_prompt_becomes_the_title_and_permission_does_not_show_in_it(start):
    cli = start("copilot")
    cli.titled("GitHub Copilot")
    cli.type("ask" + ENTER)
    cli.shows("3. No, and tell Copilot")
    cli.titled("ask - GitHub Copilot")
    cli.type(ENTER)
    cli.shows("canned reply")


def test_trust_is_asked_again_after_plain_yes_and_swallows_a_prompt(start, home):
    for _ in range(2):
        cli = start("copilot", "--session-id", ID, STANDIN_DIALOG="trust")
        cli.shows("Do you trust the files in this folder?")
        cli.type("a prompt" + ENTER)
        cli.shows(READY)
    assert not list(home.rglob("events.jsonl"))


def test_no_trust_ends_it(start, home):
    cli = start("copilot", STANDIN_DIALOG="trust")
    cli.shows("Do you trust")
    cli.type(DOWN + DOWN + ENTER)
    assert cli.ended() == 1
    assert files(home) == []


def test_two_interrupts_end_it(start):
    cli = start("copilot")
    cli.titled("GitHub Copilot")
    cli.type(CTRL_C + CTRL_C)
    assert cli.ended() == 0

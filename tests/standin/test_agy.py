"""`agy` as documented: ids it mints, a database for each conversation, one newest conversation a folder."""

from __future__ import annotations

import json

from driving import ENTER, ID, files
from waiting import wait_until


def conversations(home):
    return {file.stem for file in home.glob(".gemini/antigravity-cli/conversations/*.db")}


def answered(start, *command):
    cli = start("agy", *command, "-i", "hello")
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    return cli


def test_there_is_no_resume_option(start, home):
    assert start("agy", "--resume", ID).ended() == 1
    assert start("agy", "--conversation", ID).ended() == 1
    assert files(home) == []


def test_the_database_comes_with_the_first_turn_and_its_log_lies_beside_it(start, home, workspace):
    cli = start("agy")
    cli.titled("agy")
    assert files(home) == []
    cli.type("hello" + ENTER)
    cli.shows("canned reply")
    (conversation,) = conversations(home)
    root = home / ".gemini" / "antigravity-cli"
    assert (root / "conversations" / f"{conversation}.db-wal").exists()
    assert (root / "brain" / conversation).is_dir()
    assert json.loads((root / "cache" / "last_conversations.json").read_text()) == {str(workspace): conversation}


def test_conversation_and_continue_resume(start, home):
    answered(start)
    (conversation,) = conversations(home)
    assert f"agy --conversation {conversation}" in answered(start, "--conversation", conversation).shown
    answered(start, "-c")
    assert conversations(home) == {conversation}


def test_the_newest_conversation_of_a_folder_hides_the_one_that_still_runs(start, home):
    start("agy", "-i", "one").shows("canned reply")
    start("agy", "-i", "two").shows("canned reply")
    newest = home / ".gemini" / "antigravity-cli" / "cache" / "last_conversations.json"
    wait_until(lambda: len(conversations(home)) == 2)
    assert len(json.loads(newest.read_text())) == 1


def test_a_permission_prompt_is_asked_in_the_words_that_users_report(start):
    cli = start("agy", "-i", "ask")
    cli.shows("Run this command?")
    cli.type(ENTER)
    cli.shows("canned reply")

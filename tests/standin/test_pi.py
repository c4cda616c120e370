"""pi as seen: nothing on disk before the first answer, a box without a mark, another conversation after /new."""

from __future__ import annotations

import pytest
from driving import ENTER, ID, OTHER, files, lines

READY = "%/128k"


def answered(start, *command, **env):
    cli = start("pi", *command, "hello", **env)
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    return cli


def test_the_file_appears_with_the_first_answer(start, home, workspace):
    cli = start("pi", "--session-id", ID, "hang")
    cli.shows("Working")
    assert files(home) == []
    cli.type("done" + ENTER)
    cli.shows("canned reply")
    key = f"--{str(workspace).lstrip('/').replace('/', '-')}--"
    (file,) = home.glob(f".pi/agent/sessions/{key}/*_{ID}.jsonl")
    session, asked, answer = lines(file)
    assert (session["type"], session["id"], session["cwd"]) == ("session", ID, str(workspace))
    assert [line["message"]["role"] for line in (asked, answer)] == ["user", "assistant"]
    assert answer["message"]["usage"]["cost"]["total"] == 0.004365


@pytest.mark.parametrize("again", [("--session", ID), ("--session-id", ID), ("--continue",)])
def test_resume_goes_on_in_the_same_file(start, home, again):
    answered(start, "--session-id", ID)
    assert f"pi --session {ID}" in answered(start, *again).shown
    (file,) = home.glob(".pi/agent/sessions/*/*.jsonl")
    assert [line.get("message", {}).get("role") for line in lines(file)] == [None, *["user", "assistant"] * 2]


def test_an_unknown_id_and_one_of_another_folder_are_refused(start, tmp_path):
    answered(start, "--session-id", ID)
    assert start("pi", "--session", OTHER).ended() == 1
    assert start("pi", "--session", ID, cwd=tmp_path).ended() == 1


def test_new_begins_another_file_and_the_last_line_names_it(start, home):
    cli = start("pi", "--session-id", ID, "hello")
    cli.shows("canned reply")
    cli.type("/new" + ENTER)
    cli.type("more" + ENTER)
    cli.shows("to 4 characters")
    (other,) = (file for file in home.glob(".pi/agent/sessions/*/*.jsonl") if ID not in file.name)
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    assert f"pi --session {other.stem.partition('_')[2]}" in cli.shown


def test_a_folder_of_its_own_has_all_conversations(start, home, tmp_path):
    own = tmp_path / "own"
    cli = answered(start, "--session-id", ID, PI_CODING_AGENT_SESSION_DIR=str(own))
    assert [file.name.partition("_")[2] for file in own.iterdir()] == [f"{ID}.jsonl"]
    assert f"pi --session-dir {own} --session {ID}" in cli.shown
    assert files(home) == []

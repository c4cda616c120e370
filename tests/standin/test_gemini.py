"""Gemini as seen: slugs, a file before the first prompt, and the loss after a resume."""

from __future__ import annotations

import hashlib
import os
import signal
import time

import pytest
from driving import CTRL_C, CTRL_D, ENTER, ID, OTHER, files, lines

READY = "Type your message or @path/to/file"


def chats(home):
    return sorted(home.glob(".gemini/tmp/*/chats/*.jsonl"))


def turns(file):
    return [line["type"] for line in lines(file)[1:]]


def answered(start, *command):
    cli = start("gemini", *command, "hello")
    cli.shows("canned reply")
    cli.type(CTRL_D + CTRL_D)
    assert cli.ended() == 0
    return cli


def let_a_minute_pass(home):
    """What was stored now is from an earlier minute."""
    (file,) = chats(home)
    return file.rename(file.with_name(f"session-2026-01-01T00-00-{ID[:8]}.jsonl"))


def test_the_file_is_there_before_the_first_prompt(start, home, workspace):
    start("gemini", "--session-id", ID).shows(READY)
    (file,) = chats(home)
    assert file.name.startswith(time.strftime("session-%Y-%m-%dT", time.gmtime()))
    assert file.name.endswith(f"-{ID[:8]}.jsonl")
    (head,) = lines(file)
    assert head["sessionId"] == ID
    assert head["projectHash"] == hashlib.sha256(str(workspace).encode()).hexdigest()
    assert (file.parents[1] / ".project_root").read_text() == str(workspace)


@pytest.mark.parametrize(("name", "slug"), [("Gm Proj_1.2 \u00e9", "gm-proj-1-2"), ("\u65e5\u672c", "project")])
def test_a_folder_has_a_slug(start, home, tmp_path, name, slug):
    (tmp_path / name).mkdir()
    start("gemini", cwd=tmp_path / name).shows(READY)
    assert chats(home)[0].parents[1].name == slug


def test_a_slug_that_is_taken_gets_a_number_and_keeps_it(start, home, workspace, tmp_path):
    second = tmp_path / "elsewhere" / workspace.name
    second.mkdir(parents=True)
    for folder in (workspace, second, second):
        start("gemini", cwd=folder).shows(READY)
    assert sorted(folder.name for folder in (home / ".gemini" / "tmp").iterdir()) == ["my-proj-1-2", "my-proj-1-2-1"]


def test_any_text_is_an_id_and_one_that_is_used_is_refused(start):
    answered(start, "--session-id", "foo")
    cli = start("gemini", "--session-id", "foo")
    assert cli.ended() == 42
    assert "already exists. Use --resume" in cli.shown


@pytest.mark.parametrize("wanted", [ID, "latest", "1"])
def test_within_the_same_minute_resume_goes_on_in_the_same_file(start, home, wanted):
    answered(start, "--session-id", ID)
    (file,) = chats(home)
    now = file.rename(file.with_name(time.strftime(f"session-%Y-%m-%dT%H-%M-{ID[:8]}.jsonl", time.gmtime())))
    assert f"gemini --resume {ID}" in answered(start, "--resume", wanted).shown
    if chats(home) == [now]:  # else the minute has just passed
        assert turns(now) == ["user", "gemini"] * 2


def test_an_unknown_id_and_a_folder_without_conversations_are_refused(start, tmp_path):
    answered(start, "--session-id", ID)
    unknown, elsewhere = start("gemini", "--resume", OTHER), start("gemini", "--resume", ID, cwd=tmp_path)
    assert (unknown.ended(), elsewhere.ended()) == (42, 42)
    assert "Invalid session identifier" in unknown.shown
    assert "No previous sessions found for this project." in elsewhere.shown


def test_in_a_later_minute_resume_makes_a_second_file_and_the_old_one_takes_the_turns(start, home):
    answered(start, "--session-id", ID)
    old = let_a_minute_pass(home)
    answered(start, "--resume", ID)
    answered(start, "--resume", ID)
    new = chats(home)[-1]
    assert turns(old) == ["user", "gemini"] * 3
    assert (lines(new)[0]["sessionId"], turns(new)) == (ID, [])


@pytest.mark.parametrize("command", [[], ["--list-sessions"]])
def test_the_next_start_or_listing_deletes_the_turns(start, home, command):
    answered(start, "--session-id", ID)
    old = let_a_minute_pass(home)
    answered(start, "--resume", ID)
    cli = start("gemini", *command)
    cli.shows(READY if not command else "Available sessions")
    assert not old.exists()
    assert start("gemini", "--resume", ID).ended() == 42


def test_without_retention_nothing_is_deleted(start, home):
    answered(start, "--session-id", ID)
    old = let_a_minute_pass(home)
    (home / ".gemini" / "settings.json").write_text('{"general": {"sessionRetention": {"enabled": false}}}')
    answered(start, "--resume", ID)
    cli = start("gemini", "--list-sessions")
    assert cli.ended() == 0
    assert ID in cli.shown
    assert old.exists()
    assert len(chats(home)) == 2


def test_titles_are_padded_and_tell_idle_busy_and_permission(start, workspace):
    cli = start("gemini")
    cli.titled(f"◇  Ready ({workspace.name})".ljust(80) + "\x07")
    cli.type("hang" + ENTER)
    cli.titled(f"✦  Working… ({workspace.name})")
    cli.type("done" + ENTER)
    cli.titled("◇")
    cli.type("ask" + ENTER)
    cli.titled(f"✋  Action Required ({workspace.name})")
    cli.shows("● 1. Allow once")
    cli.type("1")
    cli.titled("◇")


def test_the_quit_word_ends_it(start):
    cli = start("gemini")
    cli.titled("◇")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_two_presses_end_it(start, key):
    cli = start("gemini")
    cli.titled("◇")
    cli.type(key)
    cli.shows("again to exit")
    cli.type(key)
    assert cli.ended() == 0


def test_launcher_and_child_can_survive_the_end_of_the_pane_and_sigterm_ends_them(start):
    cli = start("gemini", STANDIN_IGNORE="HUP")
    cli.titled("◇")
    child = cli.child()
    os.killpg(cli.process.pid, signal.SIGHUP)
    cli.type("still here" + ENTER)
    cli.shows("canned reply")
    os.kill(child, signal.SIGTERM)
    assert cli.ended() == 128 + signal.SIGTERM


def test_sighup_to_the_launcher_alone_does_nothing(start):
    cli = start("gemini")
    cli.titled("◇")
    cli.child()
    cli.process.send_signal(signal.SIGHUP)
    cli.type("still here" + ENTER)
    cli.shows("canned reply")
    cli.type(CTRL_C + CTRL_C)
    assert cli.ended() == 0


def test_trust_is_the_default_answer_and_swallows_what_is_typed(start, home):
    cli = start("gemini", STANDIN_DIALOG="trust")
    cli.shows("Do you trust the files in this folder?")
    cli.type("a prompt" + ENTER)
    cli.shows(READY)
    assert [turns(file) for file in chats(home)] == [[]]


@pytest.mark.parametrize("how", ["flag", "setting"])
def test_a_flag_or_a_setting_skips_the_trust_dialog(start, home, how):
    (home / ".gemini").mkdir()
    if how == "setting":
        (home / ".gemini" / "settings.json").write_text('{"security": {"folderTrust": {"enabled": false}}}')
    start("gemini", *["--skip-trust"] * (how == "flag"), STANDIN_DIALOG="trust").shows(READY)


def test_everything_is_under_its_own_folder(start, home):
    answered(start)
    assert all(name.startswith(".gemini/") for name in files(home))

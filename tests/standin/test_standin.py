"""The stand-in does what the real CLIs were seen to do with ids, files, statuses and ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import claude
import pytest
from driving import CTRL_C, ENTER, ESCAPE, ID, files
from waiting import wait_until

from reconciler.agents.catalogue import catalogue


def registration(home, cli):
    file = home / ".claude" / "sessions" / f"{cli.process.pid}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def wait_for_status(home, cli, status):
    wait_until(lambda: (cli.screen(), registration(home, cli).get("status"))[1] == status)


def transcript(home, conversation=ID):
    (file,) = home.glob(f".claude/projects/*/{conversation}.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def answered(start, *command, **env):
    """A CLI that has answered one prompt and quit."""
    cli = start(*command, "hello", **env)
    cli.shows("canned reply")
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0
    return cli


def test_the_transcript_appears_with_the_first_prompt_under_the_folders_key(start, home, workspace):
    cli = start("claude", "--session-id", ID)
    wait_for_status(home, cli, "idle")
    assert files(home) == [f".claude/sessions/{cli.process.pid}.json"]
    cli.type("hello" + ENTER)
    cli.shows("canned reply")
    assert [line["type"] for line in transcript(home)] == [
        "mode",
        "permission-mode",
        "file-history-snapshot",
        "user",
        "assistant",
    ]
    assert transcript(home)[3]["cwd"] == str(workspace)
    (folder,) = (home / ".claude" / "projects").iterdir()
    assert folder.name.endswith("-My-Proj-1-2--")
    assert b'"type":"user"' in (folder / f"{ID}.jsonl").read_bytes()


KEYS = {"C-x": "\x18", "C-s": "\x13", "C-q": "\x11", "M-Enter": "\x1b\r", "Tab": "\t"}
OWN = sorted((each for each in catalogue([]).values() if each.display.submit), key=lambda profile: profile.name)


@pytest.mark.parametrize("profile", OWN, ids=lambda profile: profile.name)
def test_the_clis_own_keys_submit_and_are_no_answer_to_a_question(start, profile):
    cli = start(*profile.launch.command, *profile.launch.args_always)
    cli.type_alone("hello")
    cli.type("".join(KEYS[key] for key in profile.display.submit))
    cli.shows("canned reply to 5 characters")
    if profile.display.permission is None:
        return
    cli.type_alone("ask")
    cli.type(ENTER)
    cli.shows("1. Yes")
    cli.type("".join(KEYS[key] for key in profile.display.submit) + ESCAPE)
    cli.shows("Interrupted")


def test_the_old_version_has_no_keys_but_enter(start):
    cli = start("claude", STANDIN_CLAUDE="old")
    cli.type_alone("hello")
    cli.type_alone(KEYS["C-x"] + KEYS["C-s"])
    cli.type_alone(" there")  # it stands in the same box
    cli.type(ENTER)
    cli.shows("canned reply to 11 characters")


def test_resume_goes_on_in_the_same_file(start, home):
    answered(start, "claude", "--session-id", ID)
    assert f"claude --resume {ID}" in answered(start, "claude", "--resume", ID).shown
    assert [line["type"] for line in transcript(home)].count("user") == 2


def test_everything_moves_to_the_configured_folder(start, home, tmp_path):
    answered(start, "claude", "--session-id", ID, CLAUDE_CONFIG_DIR=str(tmp_path / "cfg"))
    assert files(home) == []
    assert len(list(tmp_path.glob(f"cfg/projects/*/{ID}.jsonl"))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--session-id", "not-a-uuid"], "Must be a valid UUID."),
        (["--resume", ID], f"No conversation found with session ID: {ID}"),
        (["--no-such-option"], "error: unknown option '--no-such-option'"),
    ],
)
def test_what_cannot_start_exits_with_1_and_says_why(start, home, arguments, message):
    cli = start("claude", *arguments)
    assert cli.ended() == 1
    assert message in cli.shown
    assert files(home) == []


def test_an_id_with_a_transcript_cannot_begin_again(start):
    answered(start, "claude", "--session-id", ID)
    cli = start("claude", "--session-id", ID)
    assert cli.ended() == 1
    assert f"Error: Session ID {ID} is already in use." in cli.shown


def test_without_a_prompt_the_new_version_leaves_nothing(start, home):
    cli = start("claude", "--session-id", ID)
    wait_for_status(home, cli, "idle")
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0
    assert files(home) == []


def test_without_a_prompt_the_old_version_spoils_the_id(start, home):
    cli = start("claude", "--session-id", ID, STANDIN_CLAUDE="old")
    wait_for_status(home, cli, "idle")
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0
    assert [line["type"] for line in transcript(home)] == ["mode", "permission-mode"]
    assert start("claude", "--session-id", ID, STANDIN_CLAUDE="old").ended() == 1
    assert start("claude", "--resume", ID, STANDIN_CLAUDE="old").ended() == 1


def test_only_the_new_version_resumes_from_another_folder(start, tmp_path):
    answered(start, "claude", "--session-id", ID)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert start("claude", "--resume", ID, cwd=elsewhere, STANDIN_CLAUDE="old").ended() == 1
    start("claude", "--resume", ID, cwd=elsewhere).shows("for shortcuts")


def test_clear_begins_another_conversation_in_the_same_process(start, home):
    cli = start("claude", "--session-id", ID, "hello")
    cli.shows("canned reply")
    cli.type("/clear" + ENTER)
    wait_until(lambda: registration(home, cli)["sessionId"] != ID)
    other = registration(home, cli)["sessionId"]
    assert len(transcript(home)) == 5
    assert "user" in [line["type"] for line in transcript(home, other)]


def test_the_registration_tells_status_and_start(start, home, workspace):
    cli = start("claude", "hang")
    wait_for_status(home, cli, "busy")
    seen = registration(home, cli)
    started = Path(f"/proc/{cli.process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    assert (seen["pid"], seen["cwd"], seen["procStart"]) == (cli.process.pid, str(workspace), started)
    cli.type("done" + ENTER)
    wait_for_status(home, cli, "idle")


@pytest.mark.parametrize(("version", "title"), [("old", "⠐ Claude Code"), ("new", "✳ Claude Code")])
def test_only_the_old_version_shows_in_its_title_that_it_is_busy(start, home, version, title):
    cli = start("claude", "hang", STANDIN_CLAUDE=version)
    wait_for_status(home, cli, "busy")
    wait_until(lambda: cli.screen().rpartition("\x1b]2;")[2].startswith(title))


def test_a_permission_prompt_loses_text_and_takes_enter_for_the_default(start, home):
    cli = start("claude", "--session-id", ID, "ask me")
    wait_for_status(home, cli, "waiting")
    assert registration(home, cli)["waitingFor"] == "permission prompt"
    cli.type("lost" + ENTER)
    wait_for_status(home, cli, "idle")
    assert "canned reply" in str(transcript(home))
    assert "lost" not in str(transcript(home))


@pytest.mark.parametrize("key", ["4", ESCAPE, CTRL_C])
def test_a_refused_permission_ends_the_turn(start, home, key):
    cli = start("claude", "--session-id", ID, "ask me")
    wait_for_status(home, cli, "waiting")
    cli.type(key)
    wait_for_status(home, cli, "idle")
    assert "canned reply" not in str(transcript(home))


def test_what_is_typed_while_it_is_busy_comes_next(start, home):
    cli = start("claude", "--session-id", ID, "hang")
    wait_for_status(home, cli, "busy")
    cli.type("next" + ENTER + "done" + ENTER)
    cli.shows("reply to 4 characters.\r\n")
    wait_until(lambda: [line["message"]["content"] for line in transcript(home) if line["type"] == "user"][1:])
    assert "'content': 'next'" in str(transcript(home))


def test_a_bracketed_paste_is_one_prompt_although_it_comes_in_pieces(start, home):
    cli = start("claude", "--session-id", ID)
    wait_for_status(home, cli, "idle")
    for piece in ("\x1b[20", "0~one\rtw", "o\x1b[2", "01~", ENTER):
        cli.type_alone(piece)
    cli.shows("canned reply")
    assert transcript(home)[3]["message"]["content"] == "one\ntwo"


def test_an_interrupt_ends_the_turn_and_not_the_program(start, home):
    cli = start("claude", "hang")
    wait_for_status(home, cli, "busy")
    cli.type("\x03")
    wait_for_status(home, cli, "idle")
    assert cli.process.poll() is None


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_it_ends_at_the_second_press_of_a_key(start, home, key):
    cli = start("claude")
    wait_for_status(home, cli, "idle")
    cli.type(key)
    cli.shows("again to exit")
    assert cli.process.poll() is None
    cli.type(key)
    assert cli.ended() == 0
    assert files(home) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(start, home, number):
    cli = start("claude", "hang")
    wait_for_status(home, cli, "busy")
    cli.process.send_signal(number)
    assert cli.ended() == 128 + number
    assert not list(home.glob(".claude/sessions/*"))


def test_sigkill_leaves_the_registration(start, home):
    cli = start("claude")
    wait_for_status(home, cli, "idle")
    cli.process.kill()
    cli.ended()
    assert registration(home, cli)["status"] == "idle"


def test_it_can_be_deaf_to_sigterm_and_to_the_quit_word(start, home):
    cli = start("claude", "--session-id", ID, STANDIN_IGNORE="TERM,QUIT")
    wait_for_status(home, cli, "idle")
    cli.process.terminate()
    cli.type("/exit" + ENTER + "still there" + ENTER)
    cli.shows("canned reply")
    assert cli.process.poll() is None
    assert "/exit" not in str(transcript(home))


def test_a_prompt_can_crash_it(start, home):
    cli = start("claude", "now crash 7")
    assert cli.ended() == 7
    assert "Fatal" in cli.shown
    assert not list(home.glob(".claude/sessions/*"))


def test_it_can_fail_before_it_does_anything(start, home):
    cli = start("claude", STANDIN_EXIT="3")
    assert cli.ended() == 3
    assert "boom" in cli.shown
    assert files(home) == []


def test_the_generic_cli_remembers_what_was_said(start, home):
    cli = start("stand-in", "--session", "blue", "remember me")
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    assert files(home) == [".stand-in/blue.jsonl"]
    start("stand-in", "--resume", "blue").shows("I remember 1 turn, the last one: remember me")
    assert start("stand-in", "--resume", "red").ended() == 1
    assert start("stand-in", "--session", "blue").ended() == 1


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/w/My Proj_1.2 \u00e9", "-w-My-Proj-1-2--"),
        ("/w/e\u0301", "-w-e-"),
        ("/w/\u65e5\u672c", "-w---"),
        ("/w/\U0001f600", "-w---"),
        ("/" + "a" * 199, "-" + "a" * 199),
        ("/" + "a" * 200, "-" + "a" * 199 + "-b6ymvl"),
    ],
)
def test_the_key_of_a_folder_follows_its_utf_16_units(path, key):
    assert claude.project_key(path) == key

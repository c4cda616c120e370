"""Claude's start dialogs, forks and `--continue` as seen; the rest is in `test_standin.py`."""

from __future__ import annotations

import json

import pytest
from agent import HEAVY_ANGLE
from driving import DOWN, ENTER, ESCAPE, ID, OTHER, files, lines

READY = "? for shortcuts"


def settings(home):
    return json.loads((home / ".claude.json").read_text())


def transcript(home, conversation=ID):
    (file,) = home.glob(f".claude/projects/*/{conversation}.jsonl")
    return lines(file)


def answered(start, *command):
    cli = start("claude", *command, "hello")
    cli.shows("canned reply")
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0


@pytest.mark.parametrize(("version", "mark"), [("old", ""), ("new", "<pasted_content id=")])
def test_a_collapsed_paste_is_stored_between_marks_by_the_new_version(start, home, version, mark):
    cli = start("claude", "--session-id", ID, STANDIN_CLAUDE=version)
    cli.shows(READY)
    cli.type("\x1b[200~" + "a line\r" * 20 + "\x1b[201~")
    cli.shows("[Pasted text #1")
    cli.type(ENTER)
    cli.shows("canned reply")
    [said] = [line["message"]["content"] for line in transcript(home) if line["type"] == "user"]
    assert "a line\n" * 20 in said
    assert said.strip().startswith(mark)


def test_what_the_new_version_shows_collapsed_is_stored_once_it_has_answered(start, home):
    cli = start("claude", "--session-id", ID)
    cli.shows(READY)
    cli.type("\x1b[200~" + "hang\r" * 20 + "\x1b[201~")
    cli.shows("[Pasted text #1")
    cli.type(ENTER)
    cli.shows("esc to interrupt")
    assert list(home.glob(".claude/projects/*/*.jsonl")) == []
    cli.type("done" + ENTER)
    cli.shows("canned reply")
    assert [line["type"] for line in transcript(home)][-2:] == ["user", "assistant"]


@pytest.mark.parametrize("key", [ENTER, ESCAPE, "a prompt" + ENTER])
def test_the_new_version_does_not_trust_by_default(start, home, key):
    cli = start("claude", STANDIN_DIALOG="trust")
    cli.shows("Quick safety check")
    cli.shows(f"{HEAVY_ANGLE} 2. No, exit")
    assert files(home) == []
    cli.type(key)
    assert cli.ended() == 1
    assert "this folder isn't trusted" in cli.shown


@pytest.mark.parametrize(("version", "keys"), [("old", ENTER), ("new", "1"), ("new", DOWN + ENTER)])
def test_trust_is_kept_for_the_folder(start, home, workspace, version, keys):
    cli = start("claude", STANDIN_DIALOG="trust", STANDIN_CLAUDE=version)
    cli.shows("1. Yes, I trust this folder")
    cli.type(keys)
    cli.shows(READY)
    assert settings(home)["projects"][str(workspace)]["hasTrustDialogAccepted"] is True
    start("claude", STANDIN_DIALOG="trust").shows(READY)


def test_onboarding_ends_without_a_network(start):
    cli = start("claude", STANDIN_DIALOG="onboarding")
    cli.type(ENTER)
    assert cli.ended() == 1
    assert "Unable to connect to Anthropic services" in cli.shown
    assert "ENOTFOUND" in cli.shown


def test_the_api_key_is_not_taken_by_default_and_its_end_is_remembered(start, home):
    key = "sk-ant-" + "0123456789" * 3
    cli = start("claude", STANDIN_DIALOG="apikey", ANTHROPIC_API_KEY=key)
    cli.shows("Detected a custom API key in your environment")
    cli.shows(f"{HEAVY_ANGLE} 2. No (recommended)")
    cli.type("1")
    cli.shows(READY)
    assert settings(home)["customApiKeyResponses"]["approved"] == ["01234567890123456789"]
    start("claude", STANDIN_DIALOG="apikey", ANTHROPIC_API_KEY=key).shows(READY)


def test_settings_lie_in_the_configured_folder(start, home, workspace, tmp_path):
    known = {"hasCompletedOnboarding": True, "projects": {str(workspace): {"hasTrustDialogAccepted": True}}}
    (tmp_path / ".claude.json").write_text(json.dumps(known))
    start("claude", STANDIN_DIALOG="onboarding,trust", CLAUDE_CONFIG_DIR=str(tmp_path)).shows(READY)
    assert files(home) == []


def test_a_fork_is_another_file_under_the_id_of_our_choice(start, home):
    answered(start, "--session-id", ID)
    assert start("claude", "--resume", ID, "--session-id", OTHER).ended() == 1
    answered(start, "--resume", ID, "--session-id", OTHER, "--fork-session")
    assert [line["type"] for line in transcript(home)].count("user") == 1
    assert [line["type"] for line in transcript(home, OTHER)].count("user") == 2


def test_continue_takes_the_newest_and_nothing_is_refused(start, home):
    cli = start("claude", "--continue")
    assert cli.ended() == 1
    assert "No conversation found to continue" in cli.shown
    answered(start, "--session-id", ID)
    answered(start, "--continue")
    assert [line["type"] for line in transcript(home)].count("user") == 2


def test_until_a_slow_start_is_over_nothing_is_on_disk(start, home):
    cli = start("claude", STANDIN_DELAY="60")
    cli.shows("\x1b[?2004h")
    assert files(home) == []
    assert READY not in cli.shown

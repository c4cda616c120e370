"""`cursor-agent` as documented: an id before any start, folders named by a hash."""

from __future__ import annotations

import hashlib

from driving import CTRL_C, files


def stored(home, workspace):
    folder = home / ".cursor" / "chats" / hashlib.md5(str(workspace).encode(), usedforsecurity=False).hexdigest()
    return {file.parent.name for file in folder.glob("*/store.db")}


def test_create_chat_prints_an_id_that_can_be_resumed(start, home, workspace):
    cli = start("cursor-agent", "create-chat")
    assert cli.ended() == 0
    conversation = cli.shown.strip()
    start("cursor-agent", "--resume", conversation, "hello").shows("canned reply")
    assert stored(home, workspace) == {conversation}


def test_without_a_prompt_nothing_is_kept(start, home):
    cli = start("cursor-agent")
    cli.titled("Cursor Agent")
    cli.type(CTRL_C + CTRL_C)
    assert cli.ended() == 0
    assert files(home) == []


def test_resume_takes_the_newest_and_ls_lists_it(start, home, workspace):
    start("cursor-agent", "hello").shows("canned reply")
    (conversation,) = stored(home, workspace)
    listing = start("cursor-agent", "ls")
    assert listing.ended() == 0
    assert conversation in listing.shown
    cli = start("cursor-agent", "resume")
    cli.titled("Cursor Agent")
    cli.type(CTRL_C + CTRL_C)
    cli.ended()
    assert f"--resume={conversation}" in cli.shown


def test_everything_moves_to_the_configured_folder(start, home, tmp_path):
    start("cursor-agent", "hello", CURSOR_CONFIG_DIR=str(tmp_path / "cfg")).shows("canned reply")
    assert files(home) == []

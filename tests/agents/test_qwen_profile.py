from __future__ import annotations

import json

import pytest

from reconciler.agents.binding import LiveNote
from reconciler.agents.launch import with_conversation
from reconciler.agents.qwen import PROFILE
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity, LiveAgent

ID = "5d2c7a10-0000-4000-8000-000000000001"
SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})
CHATS = "/home/u/.qwen/projects/-home-u-lab/chats"


def test_we_choose_the_id() -> None:
    assert with_conversation(PROFILE.launch.new, ID) == ("--session-id", ID)
    assert with_conversation(PROFILE.launch.resume, ID) == ("--resume", ID)


def test_the_chat_is_below_the_same_workspace_key_as_claudes() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, ID) == (
        f"{CHATS}/{ID}.jsonl",
        f"/home/u/.qwen/projects/*/chats/{ID}.jsonl",
    )
    assert PROFILE.storage.stores(SUBJECT) == (f"{CHATS}/*.jsonl",)


def test_line_1_tells_the_cwd_and_the_file_name_the_id() -> None:
    head = json.dumps({"sessionId": ID, "cwd": "/home/u/lab"}).encode()
    assert PROFILE.storage.read_head(f"{CHATS}/{ID}.jsonl", head) == StoredHead(ID, "/home/u/lab")
    assert PROFILE.storage.read_head(f"{CHATS}/notes.jsonl", head) is None


def test_before_the_first_prompt_a_pid_file_and_a_runtime_file_tell_of_the_process() -> None:
    assert PROFILE.binding.notes(SUBJECT, 7) == ("/home/u/.qwen/sessions/7.json", f"{CHATS}/*.runtime.json")


@pytest.mark.parametrize(
    ("path", "note"),
    [
        (f"{CHATS}/{ID}.runtime.json", {"pid": 7, "session_id": ID, "work_dir": "/home/u/lab"}),
        ("/home/u/.qwen/sessions/7.json", {"session_id": ID}),
        ("/home/u/.qwen/sessions/7.json", {"sessionId": ID, "pid": 7}),
    ],
)
def test_either_file_names_the_process_and_its_conversation(path: str, note: dict[str, object]) -> None:
    assert PROFILE.binding.read_note(path, json.dumps(note).encode()) == LiveNote(LiveAgent(conversation=ID), pid=7)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"pid": 7}', b'{"session_id": "x"}', b'{"session_id": 7}'])
def test_a_note_that_does_not_name_both_is_no_note(data: bytes) -> None:
    assert PROFILE.binding.read_note(f"{CHATS}/{ID}.runtime.json", data) is None


def test_exit_by_text_is_slash_quit() -> None:
    assert PROFILE.shutdown.quit == "/quit"


@pytest.mark.parametrize(
    ("title", "activity"),
    [("✳︎ Qwen - lab", Activity.WAITING), ("Qwen - lab", Activity.UNKNOWN), ("", Activity.UNKNOWN)],
)
def test_the_title_shows_a_permission_prompt_and_nothing_else(title: str, activity: Activity) -> None:
    assert PROFILE.display.activity(title) is activity

from __future__ import annotations

import json

from reconciler.agents.binding import LiveNote
from reconciler.agents.copilot import PROFILE
from reconciler.agents.launch import with_conversation
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import LiveAgent

ID = "77aa55ee-0000-4000-8000-000000000001"
SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})
FOLDER = f"/home/u/.copilot/session-state/{ID}"


def test_we_choose_the_id_and_resume_takes_it_behind_an_equals_sign() -> None:
    assert with_conversation(PROFILE.launch.new, ID) == ("--session-id", ID)
    assert with_conversation(PROFILE.launch.resume, ID) == (f"--resume={ID}",)


def test_the_folder_is_there_from_the_start_but_only_the_events_are_resumable() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, ID) == (f"{FOLDER}/events.jsonl",)
    assert PROFILE.storage.stores(SUBJECT) == ("/home/u/.copilot/session-state/*/events.jsonl",)


def test_line_1_is_session_start_with_the_id_and_the_cwd() -> None:
    start = {"type": "session.start", "data": {"sessionId": ID, "context": {"cwd": "/home/u/lab"}}}
    assert PROFILE.storage.read_head(f"{FOLDER}/events.jsonl", json.dumps(start).encode()) == StoredHead(
        ID, "/home/u/lab"
    )


def test_events_that_cannot_be_read_still_belong_to_their_folder() -> None:
    assert PROFILE.storage.read_head(f"{FOLDER}/events.jsonl", b"{") == StoredHead(ID)


def test_a_running_one_is_proved_by_inuse_and_its_pid_in_the_folder_of_the_conversation() -> None:
    assert PROFILE.binding.notes(SUBJECT, 7) == ("/home/u/.copilot/session-state/*/inuse.7.lock",)
    assert PROFILE.binding.read_note(f"{FOLDER}/inuse.7.lock", b"") == LiveNote(LiveAgent(conversation=ID), pid=7)


def test_no_other_file_is_such_a_lock() -> None:
    assert PROFILE.binding.read_note(f"{FOLDER}/workspace.yaml", b"") is None


def test_exit_by_text_is_slash_exit_and_c_c_is_needed_twice() -> None:
    assert PROFILE.shutdown.quit == "/exit"


def test_a_plain_yes_to_the_trust_dialog_asks_again_at_every_start_and_the_user_is_told() -> None:
    assert PROFILE.trust.args == ()
    assert PROFILE.trust.file(SUBJECT) == "/home/u/.copilot/config.json"
    assert "asks again at every start" in PROFILE.trust.setting

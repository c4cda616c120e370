from __future__ import annotations

import hashlib
import json

import pytest

from reconciler.agents.gemini import PROFILE
from reconciler.agents.launch import with_conversation
from reconciler.agents.storage import StoredHead, is_of
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity

ID = "9f8e7d6c-0000-4000-8000-000000000001"
SUBJECT = AgentEnvironment("/ws/Gm Proj_1.2 é", "/home/u", {})
CHATS = "/home/u/.gemini/tmp/gm-proj-1-2/chats"
DIGEST = hashlib.sha256(SUBJECT.cwd.encode()).hexdigest()


def test_we_choose_the_id_and_a_uuid_works_for_resume() -> None:
    assert with_conversation(PROFILE.launch.new, ID) == ("--session-id", ID)
    assert with_conversation(PROFILE.launch.resume, ID) == ("--resume", ID)


def test_the_chat_file_is_named_after_the_first_8_characters_below_a_slug_that_may_have_a_number() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, ID) == (
        f"{CHATS}/session-*-9f8e7d6c.jsonl",
        "/home/u/.gemini/tmp/gm-proj-1-2-[0-9]*/chats/session-*-9f8e7d6c.jsonl",
    )
    assert PROFILE.storage.stores(SUBJECT)[0] == f"{CHATS}/session-*-*.jsonl"


def test_line_1_tells_the_id_and_the_sha256_of_the_cwd() -> None:
    head = json.dumps({"sessionId": ID, "projectHash": DIGEST}).encode() + b"\n"
    found = PROFILE.storage.read_head(f"{CHATS}/session-2026-11-21T23-59-9f8e7d6c.jsonl", head)
    assert found == StoredHead(ID, cwd_digest=f"sha256:{DIGEST}")
    assert is_of(found, SUBJECT.cwd) is True
    assert is_of(found, "/elsewhere/gm proj_1.2") is False


def test_whose_a_conversation_is_stays_open_when_its_head_does_not_tell() -> None:
    assert is_of(StoredHead(ID), SUBJECT.cwd) is None


def test_a_session_id_that_is_no_uuid_is_accepted() -> None:
    found = PROFILE.storage.read_head("/x", b'{"sessionId": "foo"}')
    assert found is not None
    assert found.id == "foo"


def test_a_head_without_an_id_is_no_conversation() -> None:
    assert PROFILE.storage.read_head("/x", b'{"type": "user"}') is None


def test_the_second_file_of_a_resume_has_no_user_message_and_is_not_resumable() -> None:
    assert PROFILE.transcript.proof not in json.dumps({"sessionId": ID, "projectHash": DIGEST}).encode()
    assert PROFILE.transcript.proof in b'{"type":"user","content":"hello"}'


def test_a_resumed_session_is_lost_unless_session_retention_is_off_and_the_user_is_told() -> None:
    assert "general.sessionRetention.enabled: false" in PROFILE.storage.fragile_resume
    assert "0.61.0" in PROFILE.storage.fragile_resume


def test_it_can_survive_kill_session_as_an_orphan_until_sigterm_ends_it() -> None:
    assert "SIGTERM" in PROFILE.shutdown.survives_kill


def test_exit_by_text_is_slash_quit_and_keys_are_needed_twice() -> None:
    assert PROFILE.shutdown.quit == "/quit"


def test_the_trust_dialog_is_skipped_by_skip_trust_or_by_a_setting() -> None:
    assert PROFILE.trust.args == ("--skip-trust",)
    assert "security.folderTrust.enabled: false" in PROFILE.trust.setting


@pytest.mark.parametrize(
    ("title", "activity"),
    [
        ("◇  Ready (lab)" + " " * 66, Activity.IDLE),
        ("✦  Working… (lab)", Activity.BUSY),
        ("✋  Action Required (lab)", Activity.WAITING),
        ("bash", Activity.UNKNOWN),
        ("", Activity.UNKNOWN),
    ],
)
def test_the_title_tells_ready_working_and_action_required(title: str, activity: Activity) -> None:
    assert PROFILE.display.activity(title) is activity

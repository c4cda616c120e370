from __future__ import annotations

import pytest

from reconciler.agents.agy import PROFILE
from reconciler.agents.launch import with_conversation
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment

ID = "1c2d3e4f-0000-4000-8000-000000000001"
SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})
CONVERSATIONS = "/home/u/.gemini/antigravity-cli/conversations"


def test_it_mints_its_ids_and_there_is_no_resume_flag_but_conversation() -> None:
    assert not PROFILE.launch.chooses_id
    assert with_conversation(PROFILE.launch.resume, ID) == ("--conversation", ID)


def test_a_conversation_is_one_database_of_no_folder() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, ID) == (f"{CONVERSATIONS}/{ID}.db",)
    assert PROFILE.storage.stores(SUBJECT) == (f"{CONVERSATIONS}/*.db",)
    assert PROFILE.storage.read_head(f"{CONVERSATIONS}/{ID}.db", b"SQLite format 3\0") == StoredHead(ID)
    assert PROFILE.storage.read_head(f"{CONVERSATIONS}/summaries.db", b"") is None


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_an_open_database_proves_the_conversation_of_a_process(end: str) -> None:
    assert PROFILE.binding.held(f"{CONVERSATIONS}/{ID}.db{end}") == ID


def test_last_conversations_is_never_asked_because_it_has_one_id_a_folder() -> None:
    assert PROFILE.binding.notes(SUBJECT, 7) == ()
    assert PROFILE.binding.held("/home/u/.gemini/antigravity-cli/cache/last_conversations.json") == ""


def test_exit_by_text_is_slash_quit() -> None:
    assert PROFILE.shutdown.quit == "/quit"

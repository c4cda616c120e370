from __future__ import annotations

from hashlib import md5

import pytest

from reconciler.agents.cursor_agent import PROFILE
from reconciler.agents.launch import with_conversation
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment

ID = "ab12cd34-0000-4000-8000-000000000001"
SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})
KEY = md5(b"/home/u/lab", usedforsecurity=False).hexdigest()
STORE = f"/home/u/.cursor/chats/{KEY}/{ID}/store.db"


def test_it_mints_its_ids_and_resumes_by_id() -> None:
    assert not PROFILE.launch.chooses_id
    assert with_conversation(PROFILE.launch.resume, ID) == ("--resume", ID)


def test_chats_are_sorted_by_the_md5_of_the_folder() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, ID) == (STORE, f"/home/u/.cursor/chats/*/{ID}/store.db")
    assert PROFILE.storage.stores(SUBJECT) == (f"/home/u/.cursor/chats/{KEY}/*/store.db",)


def test_the_id_is_the_name_of_the_folder() -> None:
    assert PROFILE.storage.read_head(STORE, b"SQLite format 3\0") == StoredHead(ID, cwd_digest=f"md5:{KEY}")
    assert PROFILE.storage.read_head("/home/u/.cursor/chats/x/notes/store.db", b"") is None


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_an_open_database_proves_the_conversation_of_a_process(end: str) -> None:
    assert PROFILE.binding.held(f"{STORE}{end}") == ID


def test_cursor_config_dir_moves_everything() -> None:
    assert PROFILE.storage.roots(AgentEnvironment("/lab", "/home/u", {"CURSOR_CONFIG_DIR": "/cfg"})) == ("/cfg",)


def test_quit_and_trust_are_the_documented_ones() -> None:
    assert (PROFILE.shutdown.quit, PROFILE.trust.args) == ("/quit", ("--trust",))

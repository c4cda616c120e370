from __future__ import annotations

import json

import pytest

from reconciler.agents.binding import LiveNote
from reconciler.agents.cline import PROFILE
from reconciler.agents.message import StoredMessage
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.token_store import Damaged, token_store
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.moment import from_unix

ID = "1796035331230_yfrvh"
NOTE = {"session_id": ID, "pid": 7, "status": "idle", "cwd": "/lab", "started_at": "2026-01-01T00:00:00.000Z"}
NOTE |= {"interactive": True, "metadata": {"title": "hi"}}
PLACE = f"/x/{ID}/{ID}"


def subject(**env: str) -> AgentEnvironment:
    return AgentEnvironment("/lab", "/home/u", env)


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({}, "/home/u/.cline/data/sessions"),
        ({"CLINE_DIR": "/c"}, "/c/data/sessions"),
        ({"CLINE_DIR": "/c", "CLINE_DATA_DIR": "/d"}, "/d/sessions"),
        ({"CLINE_DATA_DIR": "/d", "CLINE_SESSION_DATA_DIR": "s"}, "/lab/s"),
    ],
)
def test_three_variables_move_the_conversations(env: dict[str, str], folder: str) -> None:
    assert PROFILE.storage.artifacts(subject(**env), ID) == (f"{folder}/{ID}/{ID}.messages.json",)
    assert PROFILE.storage.stores(subject(**env)) == (f"{folder}/*/[0-9]*_?????.json",)
    assert folder in PROFILE.storage.roots(subject(**env))


@pytest.mark.parametrize(
    ("status", "activity"), [("idle", Activity.IDLE), ("running", Activity.BUSY), ("pending", Activity.WAITING)]
)
def test_its_note_names_the_process_and_what_that_does(status: str, activity: Activity) -> None:
    note = json.dumps({**NOTE, "status": status}).encode()
    assert PROFILE.binding.read_note(PLACE, note) == LiveNote(LiveAgent(activity, ID), pid=7)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "cancelled"},  # after /new
        {"status": "completed"},
        {"pid": None},
        {"session_id": ""},
        {"metadata": {"source": "cli", "systemPrompt": "x"}},  # the daemon runs it, and has that pid
    ],
)
def test_a_conversation_that_its_process_left_or_never_had_is_no_note(changed: dict[str, object]) -> None:
    assert PROFILE.binding.read_note(PLACE, json.dumps({**NOTE, **changed}).encode()) is None


def test_a_conversation_of_another_folder_is_known_as_such_and_one_without_a_user_is_hidden() -> None:
    read = PROFILE.storage.read_head
    assert read(f"{PLACE}.json", json.dumps(NOTE).encode()) == StoredHead(ID, "/lab", started=1767225600, title="hi")
    found = read(f"{PLACE}.json", json.dumps({**NOTE, "interactive": False}).encode())
    assert found is not None
    assert found.hidden
    assert read(f"{PLACE}.messages.json", b'{"messages": [').id == ID  # type: ignore[union-attr]
    assert read("/x/notes.json", json.dumps(NOTE).encode()) is None


MESSAGES = {
    "messages": [
        {"id": "1", "role": "user", "content": [{"type": "text", "text": '<user_input mode="act">q</user_input>'}]},
        {
            "id": "2",
            "role": "assistant",
            "content": [{"type": "text", "text": "hi"}, {"type": "tool_use", "name": "run_commands"}],
            "ts": 1796035245219,
            "modelInfo": {"id": "stub", "provider": "p"},
            "metrics": {"inputTokens": 1500, "outputTokens": 45, "cacheReadTokens": 300, "cacheWriteTokens": 0},
        },
        {"id": "3", "role": "user", "content": [{"type": "tool_result", "content": "x"}]},
        "damaged",
    ]
}


def test_what_was_said_is_read_from_the_whole_document() -> None:
    said = [*(PROFILE.transcript.read_document(MESSAGES) or ())]
    assert said[1:] == [StoredMessage("assistant", "hi", from_unix(1796035245), "2")]
    assert [each.role for each in said] == ["user", "assistant"]
    assert [*(PROFILE.transcript.read_document({"messages": None}) or ())] == []


def test_tokens_are_beside_each_answer_and_cached_input_is_a_part_of_the_input() -> None:
    store = token_store(PROFILE)
    assert store is not None
    assert store.documents is not None
    sound = {"messages": MESSAGES["messages"][:3]}
    (row,) = store.documents.read(json.dumps(sound).encode())
    assert (row.input, row.cache_read, row.output, row.model, row.at) == (1200, 300, 45, "stub", 1796035245)
    assert store.documents.owner(f"{PLACE}.messages.json") == ID
    with pytest.raises(Damaged):
        store.documents.read(b'{"messages": [')

from __future__ import annotations

import json

import pytest

from reconciler.agents.binding import LiveNote
from reconciler.agents.claude import PROFILE, config_root
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity, LiveAgent

NOTE = "/home/u/.claude/sessions/7.json"
SUBJECT = AgentEnvironment("/home/u/My Proj_1.2 é", "/home/u", {})


def test_transcripts_are_looked_for_in_the_own_folder_first_and_then_in_all() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, "b3a7") == (
        "/home/u/.claude/projects/-home-u-My-Proj-1-2--/b3a7.jsonl",
        "/home/u/.claude/projects/*/b3a7.jsonl",
    )


def test_a_wildcard_in_an_id_or_in_the_configuration_folder_stands_for_itself() -> None:
    subject = AgentEnvironment("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": "/cfg[1]"})
    own, _ = PROFILE.storage.artifacts(subject, "*")
    assert own == "/cfg[[]1]/projects/-lab/[*].jsonl"


def test_the_configuration_folder_is_the_one_that_the_agent_sees() -> None:
    assert config_root(AgentEnvironment("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": "/cfg"})) == "/cfg"
    assert config_root(AgentEnvironment("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": ""})) == "/home/u/.claude"


@pytest.mark.parametrize("status", ["idle", "busy", "waiting"])
def test_a_note_tells_what_the_agent_does_and_whose_note_it_is(status: str) -> None:
    note = {"sessionId": "b3a7", "pid": 7, "status": status, "procStart": "4711"}
    assert PROFILE.binding.read_note(NOTE, json.dumps(note).encode()) == LiveNote(
        LiveAgent(Activity(status), "b3a7"), 4711, 7
    )


def test_a_note_with_a_word_that_nobody_knows_says_nothing_about_the_activity() -> None:
    assert PROFILE.binding.read_note(NOTE, b'{"sessionId": "b3a7", "status": "dreaming"}') == LiveNote(
        LiveAgent(Activity.UNKNOWN, "b3a7"), None, 7
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'"text"', b"null", b'{"procStart": "soon"}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "cut", "list", "text", "null", "no number", "no UTF-8", "deep"],
)
def test_a_note_that_cannot_be_read_is_no_note(data: bytes) -> None:
    assert PROFILE.binding.read_note(NOTE, data) is None


def test_a_status_that_is_no_text_says_nothing() -> None:
    note = PROFILE.binding.read_note(NOTE, b'{"status": ["busy"]}')
    assert note is None or note.agent.activity is Activity.UNKNOWN


@pytest.mark.parametrize(
    ("title", "activity"),
    [
        ("⠂ Fixing the tests", Activity.BUSY),
        ("⠐ x", Activity.BUSY),
        ("✳ Fixing the tests", Activity.UNKNOWN),
        ("bash", Activity.UNKNOWN),
        ("", Activity.UNKNOWN),
    ],
)
def test_a_spinner_in_the_title_means_busy_and_anything_else_means_nothing(title: str, activity: Activity) -> None:
    assert PROFILE.display.activity(title) is activity


def test_new_and_resumed_conversations_are_started_by_id() -> None:
    assert (PROFILE.launch.chooses_id, PROFILE.launch.resumes) == (True, True)


# --- what was seen, by section of the facts -----------------------------------------------------

ID = "b3a7c1d2-0000-4000-8000-00000000abcd"


def test_exit_by_text_is_slash_exit() -> None:
    assert PROFILE.shutdown.quit == "/exit"


def test_a_transcript_counts_as_resumable_only_with_a_type_user_line() -> None:
    two_lines = b'{"type":"mode","sessionId":"x"}\n{"type":"permission-mode","permissionMode":"default"}\n'
    assert PROFILE.transcript.proof not in two_lines
    assert PROFILE.transcript.proof in two_lines + b'{"type":"user","message":{}}\n'


def test_the_registry_file_of_a_process_is_named_after_its_pid() -> None:
    assert PROFILE.binding.notes(SUBJECT, 7) == ("/home/u/.claude/sessions/7.json",)


def test_with_claude_config_dir_everything_moves_there_without_a_claude_level() -> None:
    subject = AgentEnvironment("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": "/cfg"})
    assert PROFILE.binding.notes(subject, 7) == ("/cfg/sessions/7.json",)
    assert PROFILE.storage.stores(subject) == ("/cfg/projects/-lab/*.jsonl",)
    assert PROFILE.storage.roots(subject) == ("/cfg",)


def test_the_cwd_comes_only_from_about_line_4_and_snapshots_have_no_session_id() -> None:
    lines = [
        {"type": "mode", "mode": "normal", "sessionId": ID},
        {"type": "permission-mode", "permissionMode": "default", "sessionId": ID},
        {"type": "file-history-snapshot", "snapshot": {}},
        {"type": "user", "cwd": "/home/u/my_project", "sessionId": ID},
    ]
    head = "\n".join(json.dumps(line) for line in lines).encode() + b'\n{"cut": "o'
    assert PROFILE.storage.read_head(f"/home/u/.claude/projects/-home-u-lab/{ID}.jsonl", head) == StoredHead(
        ID, "/home/u/my_project"
    )


def test_a_transcript_whose_head_tells_no_folder_is_still_a_conversation() -> None:
    assert PROFILE.storage.read_head(
        f"/home/u/.claude/projects/-home-u-lab/{ID}.jsonl", b'{"type":"mode"}'
    ) == StoredHead(ID)


def test_a_file_that_is_named_after_no_uuid_is_no_conversation() -> None:
    assert PROFILE.storage.read_head("/home/u/.claude/projects/-lab/agent-a1b2.jsonl", b"{}") is None


def test_a_note_whose_start_is_no_number_cannot_guard_against_a_reused_pid() -> None:
    assert PROFILE.binding.read_note(NOTE, b'{"sessionId": "b3a7", "procStart": "Sat Nov 21"}') is None

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agents.claude import PROFILE, config_root, project_key
from reconciler.agents.profile import LiveNote, Subject
from reconciler.model.snapshot import Activity, LiveAgent

SUBJECT = Subject("/home/u/My Proj_1.2 é", "/home/u", {})


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/home/u/lab", "-home-u-lab"),
        ("/ws/My Proj_1.2 é", "-ws-My-Proj-1-2--"),
        ("/ws/" + unicodedata.normalize("NFC", "é"), "-ws--"),
        ("/ws/" + unicodedata.normalize("NFD", "é"), "-ws-e-"),
        ("/ws/\N{GRINNING FACE}", "-ws---"),  # one character, two UTF-16 units
        ("/ws/日本", "-ws---"),
        ("/a.b_c d/e", "-a-b-c-d-e"),
    ],
)
def test_every_utf_16_unit_outside_letters_and_digits_becomes_a_dash(path: str, key: str) -> None:
    assert project_key(path) == key


def test_a_key_of_200_characters_is_kept_and_a_longer_one_is_cut_and_hashed() -> None:
    fits = "/" + "a" * 199
    assert project_key(fits) == "-" + "a" * 199
    assert project_key(fits + "b") == f"-{'a' * 199}-{_as_javascript_would(fits + 'b')}"


@given(st.text(st.characters(codec="utf-8"), min_size=201, max_size=260))
def test_the_hash_of_a_long_path_is_the_one_that_javascript_computes(path: str) -> None:
    assert project_key(path).rpartition("-")[2] == _as_javascript_would(path)


def _as_javascript_would(path: str) -> str:
    """`h = (h << 5) - h + unit | 0` over the UTF-16 units, then Math.abs(h).toString(36)."""
    units = memoryview(path.encode("utf-16-le")).cast("H")
    total = sum(unit * pow(31, len(units) - 1 - at, 1 << 32) for at, unit in enumerate(units)) % (1 << 32)
    number = min(total, (1 << 32) - total)
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def test_transcripts_are_looked_for_in_the_own_folder_first_and_then_in_all() -> None:
    assert PROFILE.artifacts(SUBJECT, "b3a7") == (
        "/home/u/.claude/projects/-home-u-My-Proj-1-2--/b3a7.jsonl",
        "/home/u/.claude/projects/*/b3a7.jsonl",
    )


def test_a_wildcard_in_an_id_or_in_the_configuration_folder_stands_for_itself() -> None:
    subject = Subject("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": "/cfg[1]"})
    own, _ = PROFILE.artifacts(subject, "*")
    assert own == "/cfg[[]1]/projects/-lab/[*].jsonl"


def test_the_configuration_folder_is_the_one_that_the_agent_sees() -> None:
    assert config_root(Subject("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": "/cfg"})) == "/cfg"
    assert config_root(Subject("/lab", "/home/u", {"CLAUDE_CONFIG_DIR": ""})) == "/home/u/.claude"


@pytest.mark.parametrize("status", ["idle", "busy", "waiting"])
def test_a_note_tells_what_the_agent_does_and_whose_note_it_is(status: str) -> None:
    note = {"sessionId": "b3a7", "pid": 7, "status": status, "procStart": "4711"}
    assert PROFILE.read_note(json.dumps(note).encode()) == LiveNote(LiveAgent(Activity(status), "b3a7"), 4711)


def test_a_note_with_a_word_that_nobody_knows_says_nothing_about_the_activity() -> None:
    assert PROFILE.read_note(b'{"sessionId": "b3a7", "status": "dreaming"}') == LiveNote(
        LiveAgent(Activity.UNKNOWN, "b3a7"), None
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'"text"', b"null", b'{"procStart": "soon"}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "cut", "list", "text", "null", "no number", "no UTF-8", "deep"],
)
def test_a_note_that_cannot_be_read_is_no_note(data: bytes) -> None:
    assert PROFILE.read_note(data) is None


def test_a_status_that_is_no_text_says_nothing() -> None:
    note = PROFILE.read_note(b'{"status": ["busy"]}')
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
    assert PROFILE.activity(title) is activity


def test_new_and_resumed_conversations_are_started_by_id() -> None:
    assert (PROFILE.chooses_id, PROFILE.resumes) == (True, True)

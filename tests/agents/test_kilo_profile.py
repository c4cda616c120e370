"""Kilo: what it calls its own, beside what it took from OpenCode."""

from __future__ import annotations

from pathlib import Path

import pytest
from captured import read

from reconciler.agents.kilo import PROFILE
from reconciler.agents.permission import asks_for_reason
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity

SCREENS = Path(__file__).parent / "screens" / "kilo"


def _lines(name: str) -> tuple[str, ...]:
    return read((SCREENS / name).read_text("utf-8")).lines


@pytest.mark.parametrize(
    ("env", "pattern"),
    [
        ({}, "/home/u/.local/share/kilo/kilo*.db"),
        ({"XDG_DATA_HOME": "/data[1]"}, "/data[[]1]/kilo/kilo*.db"),
        ({"KILO_DB": "mine.db"}, "/home/u/.local/share/kilo/mine.db"),
        ({"OPENCODE_DB": "/db/theirs.db"}, "/home/u/.local/share/kilo/kilo*.db"),
    ],
)
def test_the_database_is_its_own(env: dict[str, str], pattern: str) -> None:
    query = PROFILE.database.rows(AgentEnvironment("/home/u/lab", "/home/u", env))
    assert query is not None
    assert query.pattern == pattern
    assert PROFILE.database.delete_row[0] == "kilo"


@pytest.mark.parametrize(
    ("shown", "stored", "verdict"),
    [
        ("Kilo CLI | Talk 6", "Talk 6", True),
        ("◔ Kilo CLI | Talk 6", "Talk 6", True),
        ("✓ Kilo CLI | Talk 6", "Talk 7", False),
        ("Kilo CLI", "New session - 2026-11-30T19:57:50.013Z", None),
        ("✓ Kilo CLI", "New session - 2026-11-30T19:57:50.013Z", None),
        ("Kilo CLI", "Talk 6", False),
        ("OC | Talk 6", "Talk 6", False),
        ("less Kilo CLI | Talk 6", "Talk 6", False),
    ],
)
def test_the_title_names_a_conversation_with_an_icon_or_without(shown: str, stored: str, verdict: bool | None) -> None:
    assert PROFILE.binding.names(shown, StoredHead("ses_1", title=stored)) is verdict


@pytest.mark.parametrize(
    ("title", "activity"),
    [
        ("Kilo CLI", Activity.UNKNOWN),
        ("Kilo CLI | Talk 6", Activity.UNKNOWN),
        ("✓ Kilo CLI | Talk 6", Activity.UNKNOWN),
        ("◔ Kilo CLI | Talk 6", Activity.BUSY),
    ],
)
def test_the_icon_of_a_turn_says_that_it_works(title: str, activity: Activity) -> None:
    assert PROFILE.display.activity(title) is activity


@pytest.mark.parametrize(
    ("screen", "asks"),
    [
        ("waiting-denial.7.7.7.txt", True),
        ("waiting-denial_80x24.7.7.7.txt", True),
        ("waiting-permission.7.7.7.txt", False),
        ("waiting-always.7.7.7.txt", False),
        ("idle-after_a_denial.7.7.7.txt", False),
    ],
)
def test_a_denial_is_confirmed_only_where_it_asks_why(screen: str, asks: bool) -> None:
    prompt = PROFILE.display.permission
    assert prompt is not None
    assert asks_for_reason(prompt, _lines(screen)) is asks


def test_words_of_a_conversation_are_no_question_why_while_a_permission_is_asked_for() -> None:
    """Enter would approve there."""
    prompt = PROFILE.display.permission
    assert prompt is not None
    said = "  Tell Kilo what to do differently"
    assert not asks_for_reason(prompt, [said, *_lines("waiting-permission.7.7.7.txt")])

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from reconciler.agents.launch import with_conversation
from reconciler.agents.opencode import PROFILE
from reconciler.agents.storage import Query, StoredHead
from reconciler.agents.subject import AgentEnvironment

SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE session (id TEXT, directory TEXT, parent_id TEXT, title TEXT, time_created INTEGER)"
        )
        rows = [
            ("ses_1", "/home/u/lab", None, "a", 1_000),
            ("ses_2", "/home/u/lab", "ses_1", "subtask", 2_500),
            ("ses_3", "/home/u/other", None, "b", 3_000),
        ]
        connection.executemany("INSERT INTO session VALUES (?, ?, ?, ?, ?)", rows)
        yield connection


def _answers(database: sqlite3.Connection, query: Query | None) -> list[StoredHead | None]:
    assert query is not None
    return [PROFILE.database.read_row(row) for row in database.execute(query.statement, query.parameters)]


def test_it_mints_its_ids_and_resumes_with_session() -> None:
    assert not PROFILE.launch.chooses_id
    assert with_conversation(PROFILE.launch.resume, "ses_1") == ("--session", "ses_1")


def test_the_conversations_of_a_folder_are_rows_and_those_with_a_parent_are_none(database: sqlite3.Connection) -> None:
    assert _answers(database, PROFILE.database.rows(SUBJECT)) == [
        StoredHead("ses_1", "/home/u/lab", started=1, title="a"),
        StoredHead("ses_2", "/home/u/lab", hidden=True, started=2, title="subtask"),
    ]


def test_one_conversation_is_found_by_its_id_wherever_it_was_begun(database: sqlite3.Connection) -> None:
    assert _answers(database, PROFILE.database.row_of(SUBJECT, "ses_3")) == [
        StoredHead("ses_3", "/home/u/other", started=3, title="b")
    ]
    assert _answers(database, PROFILE.database.row_of(SUBJECT, "ses_' OR 1=1")) == []


@pytest.mark.parametrize("row", [(), ("ses_1",), (None, "/home/u/lab", None), (1, 2, 3)])
def test_a_row_of_another_shape_is_no_conversation(row: tuple[object, ...]) -> None:
    assert PROFILE.database.read_row(row) is None


@pytest.mark.parametrize(
    ("env", "pattern"),
    [
        ({}, "/home/u/.local/share/opencode/opencode*.db"),
        ({"XDG_DATA_HOME": "/data[1]"}, "/data[[]1]/opencode/opencode*.db"),
        ({"OPENCODE_DB": "/db/[1].db"}, "/db/[[]1].db"),
        ({"OPENCODE_DB": "mine.db"}, "/home/u/.local/share/opencode/mine.db"),
    ],
)
def test_the_database_is_where_the_agents_own_environment_says(env: dict[str, str], pattern: str) -> None:
    query = PROFILE.database.rows(AgentEnvironment("/home/u/lab", "/home/u", env))
    assert query is not None
    assert query.pattern == pattern


def test_exit_by_text_is_slash_exit_and_one_c_c_ends_it() -> None:
    assert PROFILE.shutdown.quit == "/exit"


def test_the_title_is_unchanged_while_it_is_busy_and_tells_nothing() -> None:
    assert PROFILE.display.activity("OpenCode").value == PROFILE.display.activity("OC | Fix it").value == "unknown"


@pytest.mark.parametrize(
    ("shown", "stored", "verdict"),
    [
        ("OC | Fix the tests", "Fix the tests", True),
        ("OC | Fix the tests", "Fix the test", False),
        ("OC | A title that is too long for a pa...", "A title that is too long for a pane, and so cut", True),
        ("OpenCode", "New session - 2026-06-25T03:19:24.000Z", None),
        ("OpenCode", "Fix the tests", False),
        ("zsh", "Fix the tests", False),
    ],
)
def test_the_title_of_a_pane_names_a_conversation_that_has_a_title_of_its_own(shown, stored, verdict) -> None:
    assert PROFILE.binding.names(shown, StoredHead("ses_1", title=stored)) is verdict

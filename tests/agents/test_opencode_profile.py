from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from reconciler.agents.opencode import PROFILE
from reconciler.agents.profile import Query, StoredHead, Subject, filled

SUBJECT = Subject("/home/u/lab", "/home/u", {})


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE session (id TEXT, directory TEXT, parent_id TEXT, time_created INTEGER)")
        rows = [
            ("ses_1", "/home/u/lab", None, 1767225600000),
            ("ses_2", "/home/u/lab", "ses_1", 0),
            ("ses_3", "/home/u/other", None, 0),
        ]
        connection.executemany("INSERT INTO session VALUES (?, ?, ?, ?)", rows)
        yield connection


def _answers(database: sqlite3.Connection, query: Query | None) -> list[StoredHead | None]:
    assert query is not None
    return [PROFILE.read_row(row) for row in database.execute(query.statement, query.parameters)]


def test_it_mints_its_ids_and_resumes_with_session() -> None:
    assert not PROFILE.chooses_id
    assert filled(PROFILE.resume, "ses_1") == ("--session", "ses_1")


def test_the_conversations_of_a_folder_are_rows_and_those_with_a_parent_are_none(database: sqlite3.Connection) -> None:
    assert _answers(database, PROFILE.rows(SUBJECT)) == [
        StoredHead("ses_1", "/home/u/lab", started=1767225600),
        StoredHead("ses_2", "/home/u/lab", hidden=True),
    ]


def test_one_conversation_is_found_by_its_id_wherever_it_was_begun(database: sqlite3.Connection) -> None:
    assert _answers(database, PROFILE.row_of(SUBJECT, "ses_3")) == [StoredHead("ses_3", "/home/u/other")]
    assert _answers(database, PROFILE.row_of(SUBJECT, "ses_' OR 1=1")) == []


@pytest.mark.parametrize("row", [(), ("ses_1",), (None, "/home/u/lab", None), (1, 2, 3)])
def test_a_row_of_another_shape_is_no_conversation(row: tuple[object, ...]) -> None:
    assert PROFILE.read_row(row) is None


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
    query = PROFILE.rows(Subject("/home/u/lab", "/home/u", env))
    assert query is not None
    assert query.pattern == pattern


def test_exit_by_text_is_slash_exit_and_one_c_c_ends_it() -> None:
    assert (PROFILE.quit, PROFILE.quit_key) == ("/exit", "C-c")


def test_the_title_is_unchanged_while_it_is_busy_and_tells_nothing() -> None:
    assert PROFILE.activity("OpenCode").value == PROFILE.activity("OC | Fix it").value == "unknown"

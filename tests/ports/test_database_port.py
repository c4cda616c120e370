"""Another program's database is only ever read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.ports.files import RealFiles

ASK = "select id, directory from session where directory = ?"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "odd #name?.db"
    with sqlite3.connect(path) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table session (id text, directory text)")
        connection.executemany("insert into session values (?, ?)", [("ses_1", "/w"), ("ses_2", "/v")])
    connection.close()
    return path


def test_rows_are_found_by_their_parameters(database: Path) -> None:
    assert RealFiles().query(str(database), ASK, ("/w",)) == Present((("ses_1", "/w"),))
    assert RealFiles().query(str(database), ASK, ("/elsewhere' or 1=1 --",)) == Present(())


def test_a_statement_that_writes_is_refused(database: Path) -> None:
    before = database.read_bytes()

    assert isinstance(RealFiles().query(str(database), "delete from session where directory = ?", ("/w",)), Unknown)
    assert database.read_bytes() == before


def test_a_question_that_takes_too_long_is_given_up(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.ports.database._LONGEST", 0.1)
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select x from n where x is ?"

    match RealFiles().query(str(database), endless, ("0",)):
        case Unknown(reason):
            assert "interrupted" in reason
        case other:
            pytest.fail(f"{other}")


def test_rows_are_read_while_the_owner_writes(database: Path) -> None:
    with sqlite3.connect(database) as owner:
        owner.execute("begin immediate")
        owner.execute("insert into session values ('ses_3', '/w')")
        assert RealFiles().query(str(database), ASK, ("/w",)) == Present((("ses_1", "/w"),))
    owner.close()


def test_without_a_file_or_a_table_there_is_nothing_yet(tmp_path: Path) -> None:
    assert RealFiles().query(str(tmp_path / "none.db"), ASK, ("/w",)) == ABSENT
    sqlite3.connect(tmp_path / "empty.db").close()
    assert RealFiles().query(str(tmp_path / "empty.db"), ASK, ("/w",)) == ABSENT
    assert not (tmp_path / "none.db").exists()


def test_what_is_no_database_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello" * 200)

    assert isinstance(RealFiles().query(str(tmp_path / "text.db"), ASK, ("/w",)), Unknown)


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_a_pipe_in_the_place_of_a_database_or_beside_it_is_not_waited_for(tmp_path, suffix):
    path = tmp_path / "sessions.db"
    if suffix:
        with closing(sqlite3.connect(path)) as made:
            made.execute("CREATE TABLE t (x)")
    os.mkfifo(f"{path}{suffix}")

    answer = RealFiles().query(str(path), "SELECT x FROM t", ())

    assert answer == Unknown(f"{path}{suffix}: not a regular file")

"""OpenCode as seen: rows in a database that is written ahead, ids that it mints."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from driving import CTRL_C, ENTER, files


def rows(home, query="SELECT id, directory, title FROM session ORDER BY time_created"):
    file = home / ".local" / "share" / "opencode" / "opencode.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def answered(start, *command, **env):
    cli = start("opencode", *command, "--prompt", "hello", **env)
    cli.shows("canned reply")
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0
    return cli


def test_the_row_comes_with_the_first_prompt(start, home, workspace):
    cli = start("opencode")
    cli.titled("OpenCode")
    assert rows(home) == []
    cli.type("hello" + ENTER)
    cli.titled("OC | hello")
    ((conversation, directory, title),) = rows(home)
    assert conversation.startswith("ses_")
    assert (directory, title) == (str(workspace), "hello")


def test_while_it_runs_the_log_of_the_database_lies_beside_it(start, home):
    cli = start("opencode", "--prompt", "hello")
    cli.shows("canned reply")
    assert files(home) == [f".local/share/opencode/opencode.db{end}" for end in ("", "-shm", "-wal")]
    assert rows(home, "PRAGMA journal_mode") == [("wal",)]


def test_resume_keeps_the_row_and_the_last_line_says_how(start, home):
    answered(start)
    ((conversation, *_),) = rows(home)
    for resume in (["-s", conversation], ["--continue"]):
        assert f"opencode -s {conversation}" in answered(start, *resume).shown
    assert len(rows(home)) == 1
    assert rows(home, "SELECT count(*) FROM message") == [(6,)]


def test_nobody_chooses_its_id(start, home):
    cli = start("opencode", "-s", "ses_none")
    assert cli.ended() == 1
    assert rows(home) == []


def test_new_and_fork_make_another_row(start, home):
    cli = start("opencode", "--prompt", "one")
    cli.titled("OC | one")
    cli.type("/new" + ENTER + "two" + ENTER)
    cli.titled("OC | two")
    ((first, *_), _) = rows(home)
    answered(start, "-s", first, "--fork")
    assert [title for *_, title in rows(home)] == ["one", "two", "hello"]


def test_many_begin_at_once_in_one_database(start, home):
    together = [start("opencode", "--prompt", f"agent {number}") for number in range(10)]
    for number, cli in enumerate(together):
        cli.titled(f"OC | agent {number}")
    assert len({conversation for conversation, *_ in rows(home)}) == 10


@pytest.mark.parametrize(("key", "replied"), [(ENTER, True), ("\x1b[C\x1b[C" + ENTER, False)])
def test_the_permission_prompt_takes_arrows_and_enter(start, key, replied):
    cli = start("opencode", "--prompt", "ask")
    cli.shows("△ Permission required")
    cli.shows("Allow once  Allow always  Reject")
    cli.type(key)
    cli.shows("canned reply" if replied else "Interrupted")


def test_one_interrupt_ends_it(start):
    cli = start("opencode")
    cli.titled("OpenCode")
    cli.type(CTRL_C)
    assert cli.ended() == 0
    assert "opencode -s" not in cli.shown


def test_everything_moves_with_the_data_folder(start, home, tmp_path):
    answered(start, XDG_DATA_HOME=str(tmp_path / "data"))
    assert files(home) == []
    assert (tmp_path / "data" / "opencode" / "opencode.db").exists()

"""Kilo as seen: OpenCode's rows in a database of its own, and titles that come with the second prompt."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from driving import ENTER, files


def rows(home):
    file = home / ".local" / "share" / "kilo" / "kilo.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute("SELECT id, title FROM session ORDER BY time_created").fetchall()


def test_a_short_prompt_leaves_the_conversation_without_a_title_and_a_second_one_names_it(start, home):
    cli = start("kilo", "--prompt", "hello")
    cli.shows("canned reply")
    cli.titled("Kilo CLI")
    ((_, title),) = rows(home)
    assert title.startswith("New session - ")
    cli.type("once more" + ENTER)
    cli.titled("Kilo CLI | once more")
    ((conversation, title),) = rows(home)
    assert title == "once more"
    cli.type("/exit" + ENTER)
    assert cli.ended() == 0
    assert f"kilo -s {conversation}" in cli.shown


@pytest.mark.parametrize(("length", "title"), [(199, "Kilo CLI"), (200, f"Kilo CLI | {'x' * 200}")])
def test_a_long_first_prompt_names_it_at_once(start, length, title):
    cli = start("kilo", "--prompt", "x" * length)
    cli.shows("canned reply")
    cli.titled(title)


def test_new_begins_another_one_without_a_title(start, home):
    cli = start("kilo", "--prompt", "x" * 200)
    cli.titled(f"Kilo CLI | {'x' * 200}")
    cli.type("/new" + ENTER + "two" + ENTER)
    cli.shows("canned reply to 3 characters")
    cli.titled("Kilo CLI")
    assert [title.startswith("New session - ") for _, title in rows(home)] == [False, True]


def test_its_data_is_beside_that_of_opencode(start, home):
    start("kilo", "--prompt", "hello").shows("canned reply")
    assert files(home) == [f".local/share/kilo/kilo.db{end}" for end in ("", "-shm", "-wal")]


@pytest.mark.parametrize("word", ["--nonsense", "--session=ses_none"])
def test_what_it_does_not_know_ends_it_with_1(start, word):
    assert start("kilo", word).ended() == 1

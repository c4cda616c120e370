"""Read the stores again and again: only additions are read, and nothing is counted twice or lost."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.token_store import token_store
from reconciler.model.observed import Present
from reconciler.model.tokens import TokenFile, Unread
from reconciler.observe import tokens
from reconciler.observe.tokens import TokenPlace, TokensSeen, read_tokens, still_there
from reconciler.ports import growing_files
from reconciler.ports.files import RealFiles
from reconciler.state import token_index

ID = "c5b24960-356d-4551-9d80-965ed1979da4"
FILES = RealFiles()


def place(home: Path, cli: str = "claude") -> TokenPlace:
    store = token_store(catalogue([])[cli])
    assert store is not None
    return TokenPlace(cli, store, AgentEnvironment("/w", str(home), {}))


def line(number: int, output: int = 10, **message: Any) -> str:
    usage = {"input_tokens": 100, "output_tokens": output}
    answer = {"id": f"m{number}", "model": "m", "usage": usage, **message}
    return json.dumps({"type": "assistant", "timestamp": "2026-11-30T06:00:00Z", "message": answer}) + "\n"


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    file = tmp_path / ".claude" / "projects" / "-w" / f"{ID}.jsonl"
    file.parent.mkdir(parents=True)
    return file


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which files were read, and from where on."""
    done: list[tuple[str, int]] = []
    original = growing_files.blocks

    def noting(path: str, offset: int) -> Iterator[tuple[bytes, int]]:
        done.append((os.path.basename(path), offset))
        return original(path, offset)

    monkeypatch.setattr(growing_files, "blocks", noting)
    return done


def look(home: Path, known: TokensSeen | None = None, cli: str = "claude") -> TokensSeen:
    return read_tokens([place(home, cli)], known.files if known else {}, FILES)


def outputs(seen: TokensSeen) -> list[int]:
    return sorted(row.output for file in seen.files.values() for row in (*file.rows, *file.loose))


def test_a_second_look_reads_only_what_was_added(tmp_path: Path, transcript: Path, reads: list[Any]) -> None:
    transcript.write_text(line(1, 1) + line(2, 2))
    first = look(tmp_path)
    second = look(tmp_path, first)
    size = transcript.stat().st_size
    with transcript.open("a") as file:
        file.write(line(3, 3))
    third = look(tmp_path, second)
    assert [outputs(each) for each in (first, second, third)] == [[1, 2], [1, 2], [1, 2, 3]]
    assert reads == [(transcript.name, 0), (transcript.name, size)]


def shrunk(file: Path) -> None:
    file.write_text(line(9, 9))


def rewritten_as_long(file: Path) -> None:
    file.write_text(line(8, 8) + line(9, 9))
    os.utime(file, ns=(1, 1))


def changed_far_up(file: Path) -> None:
    file.write_text(file.read_text().replace('"output_tokens": 1}', '"output_tokens": 3}'))
    os.utime(file, ns=(1, 1))


def rewritten_and_longer(file: Path) -> None:
    file.write_text(line(7, 7) + line(8, 8) + line(9, 9))


def replaced(file: Path) -> None:
    other = file.with_suffix(".new")
    other.write_text(file.read_text() + line(9, 9))
    other.replace(file)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (shrunk, [9]),
        (rewritten_as_long, [8, 9]),
        (changed_far_up, [2, 3]),
        (rewritten_and_longer, [7, 8, 9]),
        (replaced, [1, 2, 9]),
    ],
)
def test_a_file_that_did_not_only_grow_is_read_again(
    tmp_path: Path, transcript: Path, reads: list[Any], change: Callable[[Path], None], after: list[int]
) -> None:
    transcript.write_text(line(1, 1) + line(2, 2, content="x" * 2000))
    first = look(tmp_path)
    change(transcript)
    assert outputs(look(tmp_path, first)) == after
    assert reads[-1] == (transcript.name, 0)


def test_of_the_lines_of_one_answer_the_greatest_counts(tmp_path: Path, transcript: Path) -> None:
    transcript.write_text(line(1, 1) + line(1, 9))
    first = look(tmp_path)
    with transcript.open("a") as file:
        file.write(line(1, 4))
    assert outputs(first) == outputs(look(tmp_path, first)) == [9]


def test_a_last_line_counts_once_it_can_be_understood_and_never_twice(tmp_path: Path, transcript: Path) -> None:
    whole = line(2, 2)
    transcript.write_text(line(1, 1) + whole[:30])
    seen = look(tmp_path)
    assert (outputs(seen), seen.files[str(transcript)].damaged) == ([1], 0)
    transcript.write_text(line(1, 1) + whole.rstrip("\n"))
    seen = look(tmp_path, seen)
    assert outputs(seen) == [1, 2]
    assert outputs(look(tmp_path, seen)) == [1, 2]
    transcript.write_text(line(1, 1) + whole + line(3, 3))
    assert outputs(look(tmp_path, seen)) == [1, 2, 3]


def test_damaged_lines_are_counted_and_the_others_too(tmp_path: Path, transcript: Path) -> None:
    bad = line(2).replace("100", "-100")
    transcript.write_bytes(line(1, 1).encode() + bad.encode() + b'{"usage"\n\xff"usage"\n\n' + line(3, 3).encode())
    seen = look(tmp_path)
    assert (outputs(seen), seen.files[str(transcript)].damaged) == ([1, 3], 3)


def test_a_huge_line_is_left_out(tmp_path: Path, transcript: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_files, "_BLOCK", 512)
    monkeypatch.setattr(growing_files, "LONGEST", 4096)
    transcript.write_text(line(1, 1) + line(2, 2, content="x" * 9000) + line(3, 3, content="x" * 1000) + line(4, 4))
    assert outputs(look(tmp_path)) == [1, 3, 4]
    transcript.write_text(line(1, 1) + "x" * 9000)
    assert outputs(look(tmp_path)) == [1]


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_the_size_of_a_block_makes_no_difference(
    tmp_path: Path, transcript: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    transcript.write_text("".join(line(each, each) for each in range(1, 6)) + line(6, 6)[:-1])
    monkeypatch.setattr(growing_files, "_BLOCK", block)
    seen = look(tmp_path)
    assert outputs(seen) == [1, 2, 3, 4, 5, 6]
    assert seen.files[str(transcript)].offset == transcript.read_bytes().rindex(b"\n") + 1


def test_only_the_last_line_of_an_answer_of_gemini_counts(tmp_path: Path) -> None:
    chats = tmp_path / ".gemini" / "tmp" / "w" / "chats"
    chats.mkdir(parents=True)
    lines = [{"sessionId": "g"}, *({"id": "1", "type": "gemini", "tokens": {"output": each}} for each in (9, 4))]
    (chats / "session-1.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert outputs(look(tmp_path, cli="gemini")) == [4]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ".codex" / "archived_sessions"
    folder.mkdir(parents=True)
    (folder / "rollout-1.jsonl.zst").write_bytes(b"")
    (folder / "rollout-2.jsonl").mkdir()
    reasons = {os.path.basename(each.path): each.reason for each in look(tmp_path, cli="codex").unread}
    assert reasons == {"rollout-1.jsonl.zst": "it is compressed", "rollout-2.jsonl": "Is a directory"}


# --- databases ----------------------------------------------------------------------------------


def database(home: Path) -> sqlite3.Connection:
    folder = home / ".local" / "share" / "opencode"
    folder.mkdir(parents=True)
    made = sqlite3.connect(folder / "opencode.db")
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("CREATE TABLE session (id TEXT, parent_id TEXT)")
    made.execute(
        "CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT)"
    )
    made.executemany("INSERT INTO session VALUES (?, ?)", [("top", None), ("sub", "top"), ("deep", "sub")])
    return made


def answer(connection: sqlite3.Connection, message: str, session: str, at: int = 5000, **changed: Any) -> None:
    data = {"role": "assistant", "tokens": {"input": 1, "output": 2}, **changed}
    connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (message, session, at, at, json.dumps(data)))
    connection.commit()


def test_the_rows_of_a_database_that_is_being_written_belong_to_the_conversation_on_top(tmp_path: Path) -> None:
    connection = database(tmp_path)
    for number, session in enumerate(("top", "sub", "deep", "lost")):
        answer(connection, f"m{number}", session)
    answer(connection, "bad", "top", tokens={"input": -1})
    first = look(tmp_path, cli="opencode")
    (file,) = first.files.values()
    assert sorted(row.conversation for row in file.rows) == ["lost", "top", "top", "top"]
    assert file.damaged == 1
    assert look(tmp_path, first, cli="opencode").files == first.files
    answer(connection, "m9", "top")
    assert len(outputs(look(tmp_path, first, cli="opencode"))) == 5
    connection.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers each look got from a database."""
    done: list[int] = []
    original = tokens.ask

    def noting(path: str, statement: str, parameters: tuple[str, ...], most: int) -> Any:
        found = original(path, statement, parameters, most)
        if "message.data" in statement and isinstance(found, Present):
            done.append(len(found.value))
        return found

    monkeypatch.setattr(tokens, "ask", noting)
    return done


def written(home: Path, change: str) -> tuple[TokensSeen, TokensSeen]:
    """Two looks at a database of ten answers, one each minute, that is changed in between; and a first look anew."""
    connection = database(home)
    for number in range(10):
        answer(connection, f"m{number}", "top", at=60_500 * (number + 1))
    first = look(home, cli="opencode")
    connection.executescript(change)
    connection.close()
    return look(home, first, cli="opencode"), look(home, cli="opencode")


def answers_of(seen: TokensSeen) -> list[tuple[int, int]]:
    return sorted((row.key, row.total) for file in seen.files.values() for row in file.rows)


MORE = """INSERT INTO message VALUES ('m10', 'top', 700000, 700000, '{"role":"assistant","tokens":{"input":5}}');"""
GONE = "DELETE FROM message WHERE id = 'm2';"
GROWN = """UPDATE message SET time_updated = 700000, data = '{"role":"assistant","tokens":{"input":9}}' WHERE id = """


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (MORE, 2),
        (GROWN + "'m9'", 1),
        (GROWN + "'m2'", 2),  # an answer of long ago that is still being written
        (MORE + GROWN + "'m10'", 2),
        ("DELETE FROM message WHERE id = 'm9'", 0),  # one that is read again anyway
        (GONE, 9),  # all: others are gone, too
        (GONE + MORE, 10),
        ("UPDATE message SET time_created = time_created + 1, id = 'x' || id", 10),  # another database under its name
        (MORE.replace("700000", "7000"), 11),  # from before the last look
    ],
)
def test_of_a_database_that_was_added_to_only_the_new_answers_are_read(
    tmp_path: Path, asked: list[int], change: str, least: int
) -> None:
    second, anew = written(tmp_path, change)
    assert answers_of(second) == answers_of(anew)
    assert asked[0] == 10
    assert asked[1] == least


def test_a_database_with_damaged_answers_is_read_anew(tmp_path: Path) -> None:
    """The number of damaged ones is that of one look."""
    bad = """INSERT INTO message VALUES ('bad', 'top', 1000, 700000, '{"role":"assistant","tokens":{"input":-5}}');"""
    second, anew = written(tmp_path, bad)
    assert [file.damaged for file in second.files.values()] == [1]
    assert answers_of(second) == answers_of(anew)
    connection = sqlite3.connect(next(iter(second.files)))
    connection.executescript(MORE)
    connection.close()
    third = look(tmp_path, second, cli="opencode")
    assert [file.damaged for file in third.files.values()] == [1]
    assert len(answers_of(third)) == 11


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "share" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    (unread,) = look(tmp_path, cli="opencode").unread
    assert isinstance(unread, Unread)
    assert "opencode.db" in unread.path


# --- the index ----------------------------------------------------------------------------------


def test_what_is_remembered_is_what_was_seen(tmp_path: Path, transcript: Path) -> None:
    transcript.write_text(line(1, 1) + "{")
    seen, folder = look(tmp_path), tmp_path / "cache" / "usage"
    token_index.remember(str(folder), seen.files)
    assert token_index.recall(str(folder)) == seen.files
    assert [(each.name, each.stat().st_mode & 0o777) for each in folder.iterdir()] == [("tokens.msgpack", 0o600)]


@pytest.mark.parametrize("damage", [b"", b"\x93", b"\xff" * 100, b'{"not": "msgpack"}'])
def test_a_damaged_index_counts_as_empty(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "tokens.msgpack").write_bytes(damage)
    assert token_index.recall(str(tmp_path)) == {}


def test_the_index_of_another_version_counts_as_empty(
    tmp_path: Path, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript.write_text(line(1))
    token_index.remember(str(tmp_path), look(tmp_path).files)
    monkeypatch.setattr(token_index, "__version__", "0.0.0")
    assert token_index.recall(str(tmp_path)) == {}


def test_an_index_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    token_index.remember(str(tmp_path / "file"), {})
    (tmp_path / "usage").mkdir()
    (tmp_path / "usage" / "tokens.msgpack").symlink_to(tmp_path / "elsewhere" / "x")
    token_index.remember(str(tmp_path / "usage"), {})
    assert not (tmp_path / "elsewhere").exists()


def test_files_that_others_look_at_stay_remembered_until_they_are_gone(tmp_path: Path, transcript: Path) -> None:
    transcript.write_text(line(1))
    seen = look(tmp_path)
    assert still_there(seen.files, TokensSeen({})) == seen.files
    transcript.unlink()
    assert still_there(seen.files, TokensSeen({})) == {}


def test_a_file_that_another_cli_read_is_read_again(tmp_path: Path, transcript: Path) -> None:
    transcript.write_text(line(1, 1))
    (path, file) = next(iter(look(tmp_path).files.items()))
    other = TokenFile(type="gemini", mark=file.mark, offset=file.offset, before=file.before)
    assert outputs(read_tokens_of(tmp_path, {path: other})) == [1]


def read_tokens_of(home: Path, known: dict[str, TokenFile]) -> TokensSeen:
    return read_tokens([place(home)], known, FILES)

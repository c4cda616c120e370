"""What the users of the agent CLIs said, by stored conversation: read without the product, as each CLI stores it."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

BUSY_SECONDS = 10
_OPENCODE = """
    SELECT part.session_id, json_extract(part.data, '$.text') FROM part JOIN message ON message_id = message.id
    WHERE json_extract(message.data, '$.role') = 'user' ORDER BY part.rowid
"""


class Conversation(NamedTuple):
    """One stored conversation, of whichever folder: its CLI, its id, and the user's lines, oldest first."""

    cli: str
    id: str
    lines: tuple[str, ...]


def conversations(home: Path) -> list[Conversation]:
    """Every conversation that any CLI has stored under this home."""
    return [found for cli in STORES for found in conversations_of(cli, home)]


def conversations_of(cli: str, home: Path) -> list[Conversation]:
    """The same of one CLI; several files with one id are one conversation."""
    said = defaultdict(list)
    for conversation, line in STORES[cli](home):
        said[conversation].append(line)
    return [Conversation(cli, conversation, tuple(lines)) for conversation, lines in said.items()]


def _claude(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".claude/projects/*/*.jsonl"):
        yield from ((file.stem, line["message"]["content"]) for line in _lines(file) if line["type"] == "user")


def _codex(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".codex/sessions/*/*/*/rollout-*.jsonl"):
        lines = [line["payload"] for line in _lines(file)]
        yield from ((lines[0]["id"], each["content"][0]["text"]) for each in lines[1:] if each.get("role") == "user")


def _gemini(home: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(home.glob(".gemini/tmp/*/chats/*.jsonl")):
        lines = _lines(file)
        said = (line["content"][0]["text"] for line in lines[1:] if line["type"] == "user")
        yield from ((lines[0]["sessionId"], text) for text in said)


def _qwen(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".qwen/projects/*/chats/*.jsonl"):
        lines = (line for line in _lines(file) if line["type"] == "user")
        yield from ((line["sessionId"], line["message"]["parts"][0]["text"]) for line in lines)


def _copilot(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".copilot/session-state/*/events.jsonl"):
        said = (line["data"]["content"] for line in _lines(file) if line["type"] == "user.message")
        yield from ((file.parent.name, text) for text in said)


def _pi(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".pi/agent/sessions/*/*.jsonl"):
        said = (line["message"] for line in _lines(file) if line["type"] == "message")
        texts = (message["content"][0]["text"] for message in said if message["role"] == "user")
        yield from ((file.stem.partition("_")[2], text) for text in texts)


def _cline(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".cline/data/sessions/*/*.messages.json"):
        messages = json.loads(file.read_text())["messages"]
        said = (each["content"][0]["text"] for each in messages if each["role"] == "user")
        yield from ((file.parent.name, text.partition(">")[2].rpartition("<")[0]) for text in said)


def _opencode(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".local/share/opencode/*.db"):
        yield from _rows(file, _OPENCODE)


def _kilo(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".local/share/kilo/*.db"):
        yield from _rows(file, _OPENCODE)


def _agy(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".gemini/antigravity-cli/conversations/*.db"):
        rows = _rows(file, "SELECT text FROM steps WHERE role = 'user' ORDER BY rowid")
        yield from ((file.stem, text) for (text,) in rows)


def _cursor_agent(home: Path) -> Iterator[tuple[str, str]]:
    for file in home.glob(".cursor/chats/*/*/store.db"):
        rows = _rows(file, "SELECT text FROM blobs WHERE role = 'user' ORDER BY rowid")
        yield from ((file.parent.name, text) for (text,) in rows)


def _lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a file that its CLI may be writing this moment: there may be none yet, or half a last one."""
    *whole, _unfinished = file.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole]


def _rows(file: Path, statement: str) -> list[tuple[Any, ...]]:
    """The answer of a database that its CLI may have made a moment ago, still without its table.

    It is not opened read-only: what a killed CLI left half written must be taken back before anything is read.
    """
    database = sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=BUSY_SECONDS)
    try:
        return database.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        return []
    finally:
        database.close()


STORES: dict[str, Callable[[Path], Iterator[tuple[str, str]]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "agy": _agy,
    "opencode": _opencode,
    "kilo": _kilo,
    "qwen": _qwen,
    "copilot": _copilot,
    "cursor-agent": _cursor_agent,
    "cline": _cline,
    "pi": _pi,
}

"""Cursor's `cursor-agent`, from documents and reports, never seen: its options, ids and files."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

from agent import Agent, Program, ended
from files import new_id

PROGRAM = Program(frozenset({"--resume", "--model"}), frozenset({"-f", "--force"}))


class CursorAgent(Agent):
    """One running CLI and the conversation it is in."""

    mark = "→"

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation

    def banner(self) -> str:
        return f"Cursor Agent (stand-in)\n{Path.cwd()}"

    def title(self, _status: str) -> str:
        return "Cursor Agent"

    def record(self, role: str, text: str) -> None:
        store(self.conversation, role, text)

    def farewell(self, _last_line: str) -> str:
        return f"cursor-agent --resume={self.conversation}\n"


def start(options: dict[str, str], words: list[str]) -> tuple[CursorAgent, str]:
    """A new conversation or the one to resume, and the first prompt; or an id, or a list of them."""
    match words:
        case ["create-chat"]:
            conversation = new_id()
            store(conversation)
            raise ended(0, conversation)
        case ["ls"]:
            raise ended(0, "\n".join(newest_first()))
        case ["resume"]:
            return CursorAgent(next(iter(newest_first()), new_id())), ""
        case _:
            return CursorAgent(options.get("--resume") or new_id()), " ".join(words)


def store(conversation: str, *row: str) -> None:
    """Adds what was said to the conversation, which is made when it is missing."""
    file = chats() / conversation / "store.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS blobs (role TEXT, text TEXT)")
    if row:
        database.execute("INSERT INTO blobs VALUES (?, ?)", row)
    database.close()


def newest_first() -> list[str]:
    """This folder's conversations."""
    files = sorted(chats().glob("*/store.db"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.parent.name for file in files]


def chats() -> Path:
    """Where the conversations of this folder are stored."""
    root = Path(os.environ.get("CURSOR_CONFIG_DIR") or Path.home() / ".cursor")
    return root / "chats" / hashlib.md5(str(Path.cwd()).encode(), usedforsecurity=False).hexdigest()

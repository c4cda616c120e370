"""Antigravity's `agy`, from documents and reports, never seen: its options, ids and files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agent import Agent, Dialog, Program, ended
from files import compact, new_id, read_json, replace

PROGRAM = Program(
    frozenset({"--conversation", "-i", "--model"}),
    frozenset({"-c", "--dangerously-skip-permissions"}),
)


class Agy(Agent):
    """One running CLI and the conversation it is in."""

    mark = ">"
    footer = "? for shortcuts"
    working = "esc to cancel"
    permission = Dialog(
        "Requesting permission for:\n   touch played\n\nRun this command?",
        ("1. Yes, run command", "2. Yes, and always allow in this conversation", "3. No, cancel"),
        mark=">",
        footer="  ↑/↓ Navigate · tab Amend · ctrl+g edit/expand command\nesc to cancel",
    )

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.database: sqlite3.Connection | None = None

    def banner(self) -> str:
        return f"Antigravity CLI (stand-in)\n{Path.cwd()}"

    def title(self, _status: str) -> str:
        return "agy"

    def record(self, role: str, text: str) -> None:
        self.database = self.database or self._begin()
        self.database.execute("INSERT INTO steps VALUES (?, ?)", (role, text))

    def farewell(self, _last_line: str) -> str:
        return f"agy --conversation {self.conversation}\n" if self.database else ""

    def close(self) -> None:
        if self.database:
            self.database.close()

    def _begin(self) -> sqlite3.Connection:
        (root() / "brain" / self.conversation).mkdir(parents=True, exist_ok=True)
        stored(self.conversation).parent.mkdir(exist_ok=True)
        database = sqlite3.connect(stored(self.conversation), isolation_level=None)
        database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS steps (role TEXT, text TEXT);")
        replace(newest_file(), compact({**read_json(newest_file()), str(Path.cwd()): self.conversation}))
        return database


def start(options: dict[str, str], _words: list[str]) -> tuple[Agy, str]:
    """A new conversation, or the one to resume; and the first prompt."""
    resumed = options.get("--conversation")
    if "-c" in options:
        resumed = read_json(newest_file()).get(str(Path.cwd()))
    if resumed and not stored(resumed).exists():
        raise ended(1, f"conversation not found: {resumed}")
    return Agy(resumed or new_id()), options.get("-i", "")


def stored(conversation: str) -> Path:
    """Where a conversation is stored."""
    return root() / "conversations" / f"{conversation}.db"


def newest_file() -> Path:
    """Which conversation each folder had last: one a folder, whoever had it."""
    return root() / "cache" / "last_conversations.json"


def root() -> Path:
    """The folder that holds everything `agy` keeps."""
    return Path.home() / ".gemini" / "antigravity-cli"

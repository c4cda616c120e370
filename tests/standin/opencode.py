"""OpenCode 1.18.33: its options, ids and database."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from agent import INTERRUPT, Agent, Dialog, Program, ended
from files import CACHED, INPUT, MODEL, OUTPUT, THOUGHT, compact

PROGRAM = Program(
    frozenset({"-s", "--session", "--prompt", "-m", "--model", "--agent"}),
    frozenset({"-c", "--continue", "--fork", "--auto"}),
    "Unknown argument: {}",
)
SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS session (
        id TEXT PRIMARY KEY, directory TEXT NOT NULL, parent_id TEXT, title TEXT NOT NULL,
        time_created INTEGER NOT NULL, time_updated INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS message (
        id TEXT PRIMARY KEY, session_id TEXT NOT NULL, time_created INTEGER NOT NULL,
        time_updated INTEGER NOT NULL, data TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS part (
        id TEXT PRIMARY KEY, message_id TEXT NOT NULL, session_id TEXT NOT NULL, time_created INTEGER NOT NULL,
        time_updated INTEGER NOT NULL, data TEXT NOT NULL
    );
"""
WAIT_SECONDS = 30
UNNAMED = "New session - "


class OpenCode(Agent):
    """One running CLI and the conversation it is in, which has an id from the first prompt on."""

    program = "opencode"  # also the name of its data folder and of its database
    untitled, titled = "OpenCode", "OC | "
    version = "OpenCode 1.18.33"
    quit = "/exit"
    placeholder = "Ask anything..."
    working = "esc interrupt"
    footer = "ctrl+p commands"
    collapsed = "[Pasted ~{lines} lines]"
    presses: Mapping[str, int] = {INTERRUPT: 1}
    mark = "┃"
    permission = Dialog(
        "△ Permission required\n  touch played", ("Allow once", "Allow always", "Reject"), mark="", between=" "
    )

    def __init__(self, database: sqlite3.Connection, conversation: str, name: str) -> None:
        self.database = database
        self.conversation = conversation
        self.name = name

    def banner(self) -> str:
        return f"{self.version} (stand-in)\n{Path.cwd()}\n"

    def title(self, _status: str) -> str:
        return f"{self.titled}{self.name}" if self.name else self.untitled

    def record(self, role: str, text: str) -> None:
        if not self.conversation:
            self._begin(text)
        message, part = minted("msg"), compact({"type": "text", "text": text})
        tokens = {"input": INPUT - CACHED, "output": OUTPUT - THOUGHT, "reasoning": THOUGHT, "cache": {"read": CACHED}}
        used = {"modelID": MODEL, "cost": 0.25, "tokens": tokens} if role == "assistant" else {}
        self.database.execute(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?)",
            (message, self.conversation, milliseconds(), milliseconds(), compact({"role": role, **used})),
        )
        self.database.execute(
            "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)",
            (minted("prt"), message, self.conversation, milliseconds(), milliseconds(), part),
        )
        self.database.execute("UPDATE session SET time_updated = ? WHERE id = ?", (milliseconds(), self.conversation))

    def command(self, line: str) -> bool:
        """Handles `/new`: another conversation, at the next prompt."""
        if line != "/new":
            return False
        self.conversation = self.name = ""
        return True

    def farewell(self, _last_line: str) -> str:
        return f"Continue  {self.program} -s {self.conversation}\n" if self.conversation else ""

    def close(self) -> None:
        self.database.close()

    def _begin(self, text: str) -> None:
        self.name = self.named(text)
        self.conversation = minted("ses")
        name = self.name or f"{UNNAMED}{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime())}"
        self.database.execute(
            "INSERT INTO session VALUES (?, ?, NULL, ?, ?, ?)",
            (self.conversation, str(Path.cwd()), name, milliseconds(), milliseconds()),
        )

    def named(self, prompt: str) -> str:
        """The title of a conversation that begins so. The real one lets a model find it, which is always one line."""
        return next(filter(None, map(str.strip, prompt.splitlines())), "")


def start(options: dict[str, str], words: list[str], kind: type[OpenCode] = OpenCode) -> tuple[OpenCode, str]:
    """A new conversation, or the one to resume; and the first prompt. A word is a folder to go to."""
    if words:
        os.chdir(words[0])
    database = opened(kind.program)
    prompt = options.get("--prompt", "")
    wanted = options.get("-s", options.get("--session"))
    if "-c" in options or "--continue" in options:
        wanted = newest(database)
    if not wanted:
        return kind(database, "", ""), prompt
    row = database.execute("SELECT title FROM session WHERE id = ?", (wanted,)).fetchone()
    if not row:
        raise ended(1, f"Session not found: {wanted}")
    name = "" if row[0].startswith(UNNAMED) else row[0]
    return kind(database, "" if "--fork" in options else wanted, name), prompt


def newest(database: sqlite3.Connection) -> str | None:
    """The conversation of this folder that was used last."""
    row = database.execute(
        "SELECT id FROM session WHERE directory = ? ORDER BY time_updated DESC LIMIT 1", (str(Path.cwd()),)
    ).fetchone()
    return row[0] if row else None


def opened(program: str) -> sqlite3.Connection:
    """The database, made when it is missing. Whoever comes second waits: WAL cannot be switched on by two."""
    file = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / program / f"{program}.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None)
    database.executescript(SCHEMA)
    return database


def minted(kind: str) -> str:
    """An id of OpenCode's: its kind, the time and something random."""
    return f"{kind}_{time.time_ns() // 1000:014x}{os.urandom(6).hex()}"


def milliseconds() -> int:
    """The time, as the database keeps it."""
    return time.time_ns() // 1_000_000

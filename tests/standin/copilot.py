"""Copilot CLI 1.0.102: its options, ids and session folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agent import INTERRUPT, Agent, Dialog, Program, ended
from files import CACHED, INPUT, MODEL, OUTPUT, append, new_id, now, read_lines, replace

PROGRAM = Program(
    frozenset({"--session-id", "--resume", "-r", "-n", "--name", "--model", "-i", "--interactive"}),
    frozenset({"--continue", "--allow-all-tools"}),
)
PREFIX_LENGTH = 7


class Copilot(Agent):
    """One running CLI and the conversation it is in."""

    quit = "/exit"
    footer = "/ commands · ? help"
    working = "◉ Working esc esc interrupt"
    submit = b"\x11"
    presses: Mapping[str, int] = {INTERRUPT: 2}
    permission = Dialog(
        "Do you want to run this command?\n\n  touch played",
        (
            "1. Yes",
            "2. Yes, and don't ask again for `touch` in this session",
            "3. No, and tell Copilot what to do differently (Esc)",
        ),
    )

    def __init__(self, conversation: str, name: str) -> None:
        self.conversation = conversation
        self.folder = sessions() / conversation
        self.events = self.folder / "events.jsonl"
        self.lock = self.folder / f"inuse.{os.getpid()}.lock"
        self.name = name or first_prompt(self.events)

    def banner(self) -> str:
        return f"GitHub Copilot v1.0.102 (stand-in)\n{Path.cwd()}\n\n  Enter @ to mention files or / for commands"

    def title(self, _status: str) -> str:
        return f"{self.name} - GitHub Copilot" if self.name else "GitHub Copilot"

    def dialog(self, name: str) -> Dialog | None:
        """Plain yes is forgotten: it asks at every start and resume."""
        if name != "trust":
            return None
        choices = ("1. Yes", "2. Yes, and remember this folder for future sessions", "3. No, exit (Esc)")
        return Dialog(f"{Path.cwd()}\n\nDo you trust the files in this folder?", choices, 0, {2: ""})

    def open(self) -> str:
        replace(self.folder / "workspace.yaml", f"id: {self.conversation}\ncwd: {Path.cwd()}\n")
        replace(self.lock, str(os.getpid()))
        return ""

    def record(self, role: str, text: str) -> None:
        if not self.events.exists():
            start = {"sessionId": self.conversation, "context": {"cwd": str(Path.cwd())}, "startTime": now()}
            append(self.events, {"type": "session.start", "data": start, "id": new_id(), "timestamp": now()})
        self.name = self.name or text
        if role == "assistant":
            usage = {"model": MODEL, "inputTokens": INPUT, "outputTokens": OUTPUT, "cacheReadTokens": CACHED}
            record = {"type": "session.usage_record", "data": {"usage": usage}}
            append(self.events, {**record, "id": new_id(), "timestamp": now()})
        event = {"type": f"{role}.message", "data": {"content": text}, "id": new_id(), "timestamp": now()}
        append(self.events, event)

    def farewell(self, _last_line: str) -> str:
        return f"Resume with: copilot --resume={self.conversation}\n"

    def close(self) -> None:
        self.lock.unlink(missing_ok=True)


def start(options: dict[str, str], words: list[str]) -> tuple[Copilot, str]:
    """A new conversation, or the one to resume, which `--session-id` does too; and the first prompt."""
    prompt = options.get("-i", options.get("--interactive", " ".join(words)))
    name = options.get("-n", options.get("--name", ""))
    resumed = options.get("--resume", options.get("-r"))
    if "--continue" in options:
        resumed = newest()
    if resumed:
        return Copilot(stored(resumed), name), prompt
    return Copilot(options.get("--session-id") or new_id(), name), prompt


def stored(wanted: str) -> str:
    """The id of the conversation with this id or beginning of an id."""
    found = [folder.name for folder in sessions().glob(f"{wanted}*") if len(wanted) >= PREFIX_LENGTH]
    if len(found) != 1:
        raise ended(1, f"No session found matching {wanted}")
    return found[0]


def newest() -> str | None:
    """The conversation that was used last."""
    file = max(sessions().glob("*/events.jsonl"), key=lambda each: each.stat().st_mtime, default=None)
    return file.parent.name if file else None


def first_prompt(events: Path) -> str:
    """What the user said first, which becomes the name."""
    said = (line["data"]["content"] for line in read_lines(events) if line["type"] == "user.message")
    return next(said, "")


def sessions() -> Path:
    """Where every conversation has a folder."""
    return Path.home() / ".copilot" / "session-state"

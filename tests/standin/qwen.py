"""Qwen Code 0.24.4: its options, ids and files; folders have the keys that Claude gives them."""

from __future__ import annotations

import os
from pathlib import Path

from agent import ANGLE, Agent, Dialog, Program, ended
from claude import project_key
from files import CACHED, INPUT, MODEL, OUTPUT, append, compact, new_id, now, replace

PROGRAM = Program(
    frozenset({"--session-id", "--resume", "-r", "-m", "--model", "--approval-mode", "-i", "--prompt-interactive"}),
    frozenset({"-c", "--continue", "--chat-recording", "-y", "--yolo"}),
    "Unknown argument: {}",
)


class Qwen(Agent):
    """One running CLI and the conversation it is in."""

    mark = ">"
    placeholder = "  Type your message or @path/to/file"
    working = "⠼ Constructing additional pylons... (3s · esc to cancel)"
    submit = b"\x11"
    permission = Dialog(
        "Allow execution of: 'touch'?",
        ("1. Yes, allow once", "2. Yes, allow always", "3. No, suggest changes (esc)"),
        mark=ANGLE,
    )

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.transcript = transcript_here(conversation)
        self.registration = root() / "sessions" / f"{os.getpid()}.json"

    def banner(self) -> str:
        return f"Qwen Code v0.24.4 (stand-in)\n{Path.cwd()}\n"

    def title(self, status: str) -> str:
        return f"{ {'waiting': '✳︎ ', 'busy': '◐︎ '}.get(status, '') }Qwen - {Path.cwd().name}"

    def open(self) -> str:
        state = compact({"pid": os.getpid(), "session_id": self.conversation, "work_dir": str(Path.cwd())})
        replace(self.transcript.with_suffix(".runtime.json"), state)
        replace(self.registration, state)
        return ""

    def record(self, role: str, text: str) -> None:
        where = {"sessionId": self.conversation, "cwd": str(Path.cwd()), "timestamp": now()}
        usage = {"promptTokenCount": INPUT, "candidatesTokenCount": OUTPUT, "cachedContentTokenCount": CACHED}
        answer = {"model": MODEL, "usageMetadata": {**usage, "totalTokenCount": INPUT + OUTPUT}}
        line = {"uuid": new_id(), **where, "type": role, "message": {"parts": [{"text": text}]}}
        append(self.transcript, {**line, **answer} if role == "assistant" else line)

    def farewell(self, _last_line: str) -> str:
        return f"To resume this session: qwen --resume {self.conversation}\n"

    def close(self) -> None:
        """The registration goes, `runtime.json` stays with the number of a process that is no more."""
        self.registration.unlink(missing_ok=True)


def start(options: dict[str, str], words: list[str]) -> tuple[Qwen, str]:
    """A new conversation, or the one to resume; and the first prompt."""
    prompt = options.get("-i", options.get("--prompt-interactive", " ".join(words)))
    resumed = options.get("--resume", options.get("-r"))
    if "-c" in options or "--continue" in options:
        resumed = newest()
    conversation = resumed or options.get("--session-id") or new_id()
    stored = transcript_here(conversation).exists()
    if resumed and not stored:
        raise ended(1, f"No saved session found with ID {resumed}")
    if stored and not resumed:
        raise ended(1, f"Session ID {conversation} is already in use.")
    return Qwen(conversation), prompt


def newest() -> str | None:
    """The conversation of this folder that was used last."""
    stored = transcript_here("").parent.glob("*.jsonl")
    file = max(stored, key=lambda each: each.stat().st_mtime, default=None)
    return file.stem if file else None


def transcript_here(conversation: str) -> Path:
    """Where a conversation of this folder is stored."""
    return root() / "projects" / project_key(str(Path.cwd())) / "chats" / f"{conversation}.jsonl"


def root() -> Path:
    """The folder that holds everything Qwen keeps."""
    return Path.home() / ".qwen"

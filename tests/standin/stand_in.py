"""A CLI of no maker, for the demo and for manifests that declare their own agent types."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

VALUED = frozenset({"--session", "--resume", "--model"})
SWITCHES = frozenset({"--verbose"})
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class StandIn:
    """One running CLI and the conversation it is in."""

    quit = "/quit"
    alternate_screen = False

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.file = file_of(conversation)

    def banner(self) -> str:
        prompts = [line["text"] for line in read(self.file) if line["role"] == "user"]
        remembered = f"I remember {turns(prompts)}, the last one: {prompts[-1]}" if prompts else "We have just met."
        return f"stand-in, playing an agent\n  conversation  {self.conversation}\n  {remembered}\n"

    def title(self, status: str) -> str:
        return f"stand-in ({status})"

    def report(self, status: str) -> None:
        """Nothing beside the title tells what this CLI is doing."""

    def record(self, role: str, text: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"role": role, "text": text}, ensure_ascii=False) + "\n")

    def command(self, _line: str) -> bool:
        """It has no command but to quit."""
        return False

    def farewell(self, _last_line: str) -> str:
        return f"stand-in --resume {self.conversation}\n"

    def close(self) -> None:
        """It leaves its files as they are."""


def start(options: dict[str, str]) -> StandIn:
    """A new conversation, or the one to resume."""
    resumed = options.get("--resume")
    conversation = resumed or options.get("--session") or os.urandom(4).hex()
    if not ID.fullmatch(conversation):
        raise SystemExit(f"stand-in: not a conversation id: {conversation}")
    if resumed and not file_of(conversation).exists():
        raise SystemExit(f"stand-in: no conversation {conversation}")
    if not resumed and file_of(conversation).exists():
        raise SystemExit(f"stand-in: conversation {conversation} exists already, use --resume")
    return StandIn(conversation)


def file_of(conversation: str) -> Path:
    """Where a conversation is stored."""
    return Path(os.environ.get("STAND_IN_HOME") or Path.home() / ".stand-in") / f"{conversation}.jsonl"


def read(file: Path) -> list[dict[str, str]]:
    """Everything that was said."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def turns(prompts: list[str]) -> str:
    """How many there were, in words."""
    return "1 turn" if len(prompts) == 1 else f"{len(prompts)} turns"

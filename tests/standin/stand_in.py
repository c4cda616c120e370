"""A CLI of no maker, for the demo and for manifests that declare their own agent types."""

from __future__ import annotations

import os
import re
from pathlib import Path

from agent import Agent, Program
from files import append, read_lines

PROGRAM = Program(frozenset({"--session", "--resume", "--model"}), frozenset({"--verbose"}))
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class StandIn(Agent):
    """One running CLI and the conversation it is in."""

    quit_seconds = 0.3
    alternate_screen = False

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.file = file_of(conversation)

    def banner(self) -> str:
        prompts = [line["text"] for line in read_lines(self.file) if line["role"] == "user"]
        remembered = f"I remember {turns(prompts)}, the last one: {prompts[-1]}" if prompts else "We have just met."
        return f"stand-in, playing an agent\n  conversation  {self.conversation}\n  {remembered}\n"

    def title(self, status: str) -> str:
        return f"stand-in ({status})"

    def record(self, role: str, text: str) -> None:
        append(self.file, {"role": role, "text": text})

    def farewell(self, _last_line: str) -> str:
        return f"stand-in --resume {self.conversation}\n"


def start(options: dict[str, str], words: list[str]) -> tuple[StandIn, str]:
    """A new conversation, or the one to resume; and the first prompt."""
    resumed = options.get("--resume")
    conversation = resumed or options.get("--session") or os.urandom(4).hex()
    if not ID.fullmatch(conversation):
        raise SystemExit(f"stand-in: not a conversation id: {conversation}")
    if resumed and not file_of(conversation).exists():
        raise SystemExit(f"stand-in: no conversation {conversation}")
    if not resumed and file_of(conversation).exists():
        raise SystemExit(f"stand-in: conversation {conversation} exists already, use --resume")
    return StandIn(conversation), words[-1] if words else ""


def file_of(conversation: str) -> Path:
    """Where a conversation is stored."""
    return Path(os.environ.get("STAND_IN_HOME") or Path.home() / ".stand-in") / f"{conversation}.jsonl"


def turns(prompts: list[str]) -> str:
    """How many there were, in words."""
    return "1 turn" if len(prompts) == 1 else f"{len(prompts)} turns"

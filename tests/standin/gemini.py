"""Gemini CLI 0.61.0: its options, ids and files, and how it loses a conversation that was resumed."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from agent import Agent, Dialog, Program, ended
from files import CACHED, INPUT, MODEL, OUTPUT, THOUGHT, append, compact, new_id, now, read_json, read_lines, replace

PROGRAM = Program(
    frozenset({"--session-id", "--resume", "-r", "-m", "--model", "--approval-mode", "-i", "--prompt-interactive"}),
    frozenset({"--list-sessions", "--skip-trust", "-y", "--yolo"}),
    "Unknown argument: {}",
    launcher=True,
)
FATAL_INPUT = 42


class Gemini(Agent):
    """One running CLI and the conversation it is in."""

    quit_seconds = 0.4
    placeholder = "  Type your message or @path/to/file"
    working = "(esc to cancel, 3s)"
    collapsed = "[Pasted Text: {lines} lines]"
    alternate_screen = False
    mark = ">"
    permission = Dialog(
        "Allow execution of [Shell]?",
        ("1. Allow once", "2. Allow for this session", "3. No, suggest changes (esc)"),
        mark="●",
    )

    def __init__(self, conversation: str, stored: Path | None, *, skip_trust: bool) -> None:
        self.conversation = conversation
        self.stored = stored
        self.skip_trust = skip_trust

    def banner(self) -> str:
        return f"Gemini CLI v0.61.0 (stand-in)\n{Path.cwd()}\n"

    def title(self, status: str) -> str:
        text = {"idle": "◇  Ready", "busy": "✦  Working…", "waiting": "✋  Action Required"}[status]
        return f"{text} ({Path.cwd().name})".ljust(80)

    def dialog(self, name: str) -> Dialog | None:
        trust = read_json(root() / "settings.json").get("security", {}).get("folderTrust", {})
        if name != "trust" or self.skip_trust or trust.get("enabled") is False:
            return None
        return Dialog(
            "Do you trust the files in this folder?",
            (f"1. Trust folder ({Path.cwd().name})", "2. Trust parent folder", "3. Don't trust (esc)"),
            mark="●",
        )

    def open(self) -> str:
        """Begins a file of this minute, also for a conversation that has one of an earlier minute."""
        file = chats() / time.strftime(f"session-%Y-%m-%dT%H-%M-{self.conversation[:8]}.jsonl", time.gmtime())
        if not file.exists():
            project = hashlib.sha256(str(Path.cwd()).encode()).hexdigest()
            times = {"startTime": now(), "lastUpdated": now()}
            append(file, {"sessionId": self.conversation, "projectHash": project, **times, "kind": "main"})
        self.stored = self.stored or file
        return ""

    def record(self, role: str, text: str) -> None:
        """What is said goes to the first file of the conversation."""
        kind = {"user": "user", "assistant": "gemini"}[role]
        if self.stored:
            line = {"id": new_id(), "timestamp": now(), "type": kind, "content": [{"text": text}]}
            tokens = {"input": INPUT, "output": OUTPUT - THOUGHT, "cached": CACHED, "thoughts": THOUGHT, "tool": 0}
            append(self.stored, {**line, "tokens": tokens, "model": MODEL} if role == "assistant" else line)

    def farewell(self, _last_line: str) -> str:
        return f"To resume this session: gemini --resume {self.conversation}\n"


def start(options: dict[str, str], words: list[str]) -> tuple[Gemini, str]:
    """A new conversation, or the one to resume; and the first prompt."""
    if "--list-sessions" in options:
        tidy()
        raise ended(0, listing())
    skip_trust = "--skip-trust" in options
    prompt = options.get("-i", options.get("--prompt-interactive", " ".join(words)))
    resumed = options.get("--resume", options.get("-r"))
    if resumed is not None:
        file = find(resumed)
        return Gemini(id_of(file), file, skip_trust=skip_trust), prompt
    tidy()
    conversation = options.get("--session-id", new_id())
    if conversation in map(id_of, chats().glob("*.jsonl")):
        raise ended(FATAL_INPUT, f"Session ID {conversation} already exists. Use --resume {conversation} to resume it.")
    return Gemini(conversation, None, skip_trust=skip_trust), prompt


def find(wanted: str) -> Path:
    """The file of a conversation in which the user said something: by id, index or `latest`."""
    stored = conversations()
    if not stored:
        raise ended(FATAL_INPUT, "No previous sessions found for this project.")
    by_index = {str(index): file for index, file in enumerate(stored.values(), 1)}
    named = {**by_index, "latest": by_index[str(len(stored))], **stored}
    if wanted not in named:
        raise ended(FATAL_INPUT, f'Invalid session identifier "{wanted}".')
    return named[wanted]


def conversations() -> dict[str, Path]:
    """Ids and files of this folder's conversations, oldest first, in which the user said something."""
    said = (file for file in sorted(chats().glob("*.jsonl")) if prompts(file))
    return {id_of(file): file for file in said}


def listing() -> str:
    """What `--list-sessions` shows."""
    rows = [f"  {index}. {prompts(file)[0]} [{key}]" for index, (key, file) in enumerate(conversations().items(), 1)]
    return "\n".join([f"Available sessions for this project ({len(rows)}):", *rows])


def tidy() -> None:
    """Deletes all but the newest file of each conversation, whatever they hold; one setting stops it."""
    if read_json(root() / "settings.json").get("general", {}).get("sessionRetention", {}).get("enabled") is False:
        return
    files = defaultdict(list)
    for file in sorted(chats().glob("*.jsonl")):
        files[id_of(file)].append(file)
    for file in (old for same in files.values() for old in same[:-1]):
        file.unlink(missing_ok=True)


def id_of(file: Path) -> str:
    """Whose file it is."""
    return str(next(read_lines(file))["sessionId"])


def prompts(file: Path) -> list[str]:
    """What the user said."""
    return [line["content"][0]["text"] for line in read_lines(file) if line.get("type") == "user"]


def chats() -> Path:
    """Where this folder's conversations are stored."""
    return root() / "tmp" / slug() / "chats"


def slug() -> str:
    """The name of this folder, made unique by a number: the first that is free or ours already."""
    cwd = str(Path.cwd())
    projects = read_json(root() / "projects.json").get("projects", {})
    if cwd in projects:
        return str(projects[cwd])
    name = re.sub(r"[^a-z0-9]+", "-", Path(cwd).name.lower()).strip("-") or "project"
    number = 0
    while not taken(candidate := f"{name}-{number}" if number else name, cwd):
        number += 1
    replace(root() / "projects.json", compact({"projects": {**projects, cwd: candidate}}))
    return candidate


def taken(candidate: str, cwd: str) -> bool:
    """Takes the name for this folder; False when another folder has it."""
    owner = root() / "tmp" / candidate / ".project_root"
    mine = owner.with_name(f".project_root.{os.getpid()}")
    replace(mine, cwd)
    with suppress(FileExistsError):
        owner.hardlink_to(mine)
    mine.unlink()
    return owner.read_text(encoding="utf-8") == cwd


def root() -> Path:
    """The folder that holds everything Gemini keeps."""
    return Path.home() / ".gemini"

"""pi 1.6.0: its options, ids and files; its box has no mark."""

from __future__ import annotations

import os
from pathlib import Path

from agent import Agent, Dialog, Program, ended
from files import CACHED, INPUT, MODEL, OUTPUT, THOUGHT, append, new_id, now, read_lines

PROGRAM = Program(
    frozenset({"--session-id", "--session", "--session-dir", "--fork", "--model", "--provider", "--name", "-n"}),
    frozenset({"-c", "--continue", "--approve", "-a", "--no-approve", "-na", "--offline", "--verbose"}),
    "Error: Unknown option: {}",
    version="1.6.0",
)
COST = {"input": 0.0036, "output": 0.000675, "cacheRead": 0.00009, "cacheWrite": 0, "total": 0.004365}


class Pi(Agent):
    """One running CLI and the conversation it is in."""

    mark = ""
    framed = True
    working = "Working"
    collapsed = "[paste #1 +{lines} lines]"
    submit = b"\x1b\r"
    footer = "0.0%/128k (auto)"
    permission = None

    def __init__(self, conversation: str, file: Path | None = None) -> None:
        self.conversation = conversation
        self.file = file
        self.unstored: list[dict[str, object]] = []
        self.approved = False

    def banner(self) -> str:
        return f" pi v1.6.0 (stand-in)\n{Path.cwd()}\n"

    def title(self, _status: str) -> str:
        return f"π - {Path.cwd().name}"

    def dialog(self, name: str) -> Dialog | None:
        if name != "trust" or self.approved:
            return None
        choices = ("Trust", "Trust (this session only)", "Do not trust")
        return Dialog(f" Trust project folder?\n {Path.cwd()}", choices, mark=" →")

    def record(self, role: str, text: str) -> None:
        """Nothing is stored before the first answer."""
        message: dict[str, object] = {"role": role, "content": [{"type": "text", "text": text}]}
        if role == "assistant":
            usage = {"input": INPUT - CACHED, "output": OUTPUT, "cacheRead": CACHED, "cacheWrite": 0}
            usage |= {"reasoning": THOUGHT, "totalTokens": INPUT + OUTPUT, "cost": COST}
            message |= {"model": MODEL, "provider": "stub", "usage": usage}
        self.unstored.append({"type": "message", "id": os.urandom(4).hex(), "timestamp": now(), "message": message})
        if self.file is None and role == "assistant":
            self.file = folder_here() / f"{now().replace(':', '-').replace('.', '-')}_{self.conversation}.jsonl"
            where = {"id": self.conversation, "timestamp": now(), "cwd": str(Path.cwd())}
            append(self.file, {"type": "session", "version": 3, **where})
        if self.file is not None:
            for line in self.unstored:
                append(self.file, line)
            self.unstored = []

    def command(self, line: str) -> bool:
        """Handles `/new`: another conversation in the same process."""
        if line != "/new":
            return False
        self.conversation, self.file, self.unstored = new_id(), None, []
        return True

    def farewell(self, _last_line: str) -> str:
        own = os.environ.get("PI_CODING_AGENT_SESSION_DIR")
        folder = f"--session-dir {own} " if own else ""
        return f"To resume this session:\npi {folder}--session {self.conversation}\n" if self.file else ""


def start(options: dict[str, str], words: list[str]) -> tuple[Pi, str]:
    """A new conversation, or the one to resume; and the first prompt."""
    agent = resumed(options) or Pi(options.get("--session-id") or new_id())
    agent.approved = bool(options.keys() & {"--approve", "-a"})
    return agent, " ".join(words)


def resumed(options: dict[str, str]) -> Pi | None:
    """`--session-id` goes on with a conversation of this folder or begins it; `--session` must find one, anywhere."""
    wanted = options.get("--session", "")
    if "-c" in options or "--continue" in options:
        wanted = newest()
    own = options.get("--session-id", "")
    file = find(folder_here(), own) if own else None
    if wanted:
        file = find(folder_here(), wanted) or find(folder_here().parent, f"*/*_{wanted}")
        if file is None:
            raise ended(1, f"No session found matching '{wanted}'")
        if next(read_lines(file))["cwd"] != str(Path.cwd()):
            raise ended(1, "Session found in different project")
    return Pi(wanted or own, file) if file else None


def find(folder: Path, conversation: str) -> Path | None:
    """The file of a conversation."""
    pattern = conversation if "*" in conversation else f"*_{conversation}"
    return next(iter(folder.glob(f"{pattern}.jsonl")), None)


def newest() -> str:
    """The conversation of this folder that was used last."""
    file = max(folder_here().glob("*_*.jsonl"), key=lambda each: each.stat().st_mtime, default=None)
    return file.stem.partition("_")[2] if file else ""


def folder_here() -> Path:
    """Where the conversations of this folder are stored."""
    own = os.environ.get("PI_CODING_AGENT_SESSION_DIR")
    if own:
        return Path(own)
    root = Path(os.environ.get("PI_CODING_AGENT_DIR") or Path.home() / ".pi" / "agent")
    return root / "sessions" / f"--{str(Path.cwd()).lstrip('/').replace('/', '-').replace(':', '-')}--"

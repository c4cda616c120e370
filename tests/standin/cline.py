"""Cline 3.0.65: its options, ids and files; the daemon that outlives the CLI is not played."""

from __future__ import annotations

import os
import time
from pathlib import Path

from agent import Agent, Dialog, Program, ended
from files import CACHED, INPUT, MODEL, OUTPUT, compact, new_id, now, read_json, replace

PROGRAM = Program(
    frozenset({"--id", "--auto-approve", "-m", "--model", "-P", "--provider", "-c", "--cwd"}),
    frozenset({"-i", "--tui", "-p", "--plan", "-v", "--verbose"}),
    "error: unknown option '{}'",
    version="3.0.65",
)
STATUS = {"busy": "running", "idle": "idle", "waiting": "pending"}


class Cline(Agent):
    """One running CLI and the conversation it is in, which has an id from the first prompt on."""

    placeholder = "Ask anything..."
    working = "esc to cancel"
    footer = "○ Plan ● Act (Tab)"
    collapsed = "[its beginning... Pasted +{lines} lines]"
    permission = Dialog(
        " Cline needs permission\n\n Approve tool call?\n run_commands\n   $ touch played\n",
        ("[y] Approve", "[n] Deny"),
        mark="",
        between="  ",
    )

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.status = "idle"

    @property
    def file(self) -> Path:
        """What it says of its process; the messages are beside it."""
        return sessions() / self.conversation / f"{self.conversation}.json"

    @property
    def messages(self) -> Path:
        return self.file.with_name(f"{self.conversation}.messages.json")

    def banner(self) -> str:
        return "What can I do for you?\n"

    def title(self, _status: str) -> str:
        said = read_json(self.file).get("prompt", "") if self.conversation else ""
        return f"> {said}" if said else "Cline"

    def dialog(self, name: str) -> Dialog | None:
        if name != "notice":
            return None
        return Dialog("Try ClinePass", ("Open ClinePass",), footer="Press Enter to open, any other key to close")

    def report(self, status: str) -> None:
        self.status = STATUS[status]
        if self.conversation:
            self._tell(self.status)

    def record(self, role: str, text: str) -> None:
        if not self.conversation:
            self.conversation = minted()
        state = read_json(self.messages) or {"version": 1, "sessionId": self.conversation, "messages": []}
        said = f'<user_input mode="act">{text}</user_input>' if role == "user" else text
        message: dict[str, object] = {"id": new_id(), "role": role, "content": [{"type": "text", "text": said}]}
        message |= {"ts": time.time_ns() // 1_000_000}
        if role == "assistant":
            metrics = {"inputTokens": INPUT, "outputTokens": OUTPUT, "cacheReadTokens": CACHED, "cacheWriteTokens": 0}
            message |= {"modelInfo": {"id": MODEL, "provider": "stub"}, "metrics": metrics}
        replace(self.messages, compact({**state, "messages": [*state["messages"], message]}))
        self._tell(self.status, prompt=text)

    def command(self, line: str) -> bool:
        """Handles `/new`: another conversation in the same process, at the next prompt."""
        if line != "/new":
            return False
        if self.conversation:
            self._tell("cancelled")
        self.conversation = ""
        return True

    def farewell(self, _last_line: str) -> str:
        return f"  Continue  cline --id {self.conversation}\n" if self.conversation else ""

    def close(self) -> None:
        if self.conversation:
            self._tell("completed")

    def _tell(self, status: str, prompt: str = "") -> None:
        before = read_json(self.file)
        here = {"cwd": str(Path.cwd()), "workspace_root": str(Path.cwd()), "interactive": True}
        begun = {"session_id": self.conversation, "started_at": now(), "prompt": prompt, **here}
        replace(self.file, compact({**begun, **before, "pid": os.getpid(), "status": status}))


def start(options: dict[str, str], words: list[str]) -> tuple[Cline, str]:
    """A new conversation, or the one to resume; and the first prompt."""
    wanted = options.get("--id", "")
    agent = Cline(wanted)
    if wanted and not agent.file.exists():
        raise ended(1, f"Session not found: {wanted}")
    return agent, " ".join(words)


def minted() -> str:
    """An id of Cline's: the time and something random."""
    return f"{time.time_ns() // 1_000_000}_{os.urandom(3).hex()[:5]}"


def sessions() -> Path:
    """Where every conversation has a folder."""
    root = os.environ.get("CLINE_DIR") or Path.home() / ".cline"
    data = os.environ.get("CLINE_DATA_DIR") or Path(root) / "data"
    return Path(os.environ.get("CLINE_SESSION_DATA_DIR") or Path(data) / "sessions")

"""Claude Code 2.1.330, or 2.1.197 where they differ: its options, ids and files."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

VALUED = frozenset({"--session-id", "--resume", "-r", "--model", "--permission-mode", "--settings", "--name", "-n"})
SWITCHES = frozenset({"--dangerously-skip-permissions", "--verbose"})
OLD = os.environ.get("STANDIN_CLAUDE") == "old"
VERSION = "2.1.197" if OLD else "2.1.330"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
KEY_LIMIT = 200


class Claude:
    """One running CLI and the conversation it is in."""

    quit = "/exit"
    alternate_screen = not OLD

    def __init__(self, conversation: str, transcript: Path) -> None:
        self.conversation = conversation
        self.transcript = transcript
        self.registration = root() / "sessions" / f"{os.getpid()}.json"

    def banner(self) -> str:
        return f" ▐▛███▜▌   Claude Code v{VERSION} (stand-in)\n▝▜█████▛▘  {Path.cwd()}\n\n  ? for shortcuts"

    def title(self, status: str) -> str:
        return "⠐ Claude Code" if OLD and status == "busy" else "✳ Claude Code"

    def report(self, status: str) -> None:
        state = {
            "pid": os.getpid(),
            "sessionId": self.conversation,
            "cwd": str(Path.cwd()),
            "procStart": started(),
            "version": VERSION,
            "status": status,
        }
        if status == "waiting":
            state["waitingFor"] = "permission prompt"
        self.registration.parent.mkdir(parents=True, exist_ok=True)
        whole = self.registration.with_suffix(".tmp")
        whole.write_text(compact(state))
        whole.replace(self.registration)

    def record(self, role: str, text: str) -> None:
        if not self.transcript.exists():
            self._begin()
            self._append({"type": "file-history-snapshot", "snapshot": {}, "isSnapshotUpdate": False})
        message = {"role": role, "content": text}
        where = {"cwd": str(Path.cwd()), "sessionId": self.conversation}
        self._append({"type": role, "message": message, **where, "timestamp": now()})

    def command(self, line: str) -> bool:
        """Handles `/clear`: another conversation in the same process."""
        if line != "/clear":
            return False
        self.conversation = new_id()
        self.transcript = transcript_here(self.conversation)
        self.record("user", "<command-name>/clear</command-name>")
        self.report("idle")
        return True

    def farewell(self, last_line: str) -> str:
        """The old version leaves a transcript that can be neither resumed nor begun, after `/exit` only."""
        if OLD and last_line == self.quit and not self.transcript.exists():
            self._begin()
        return f"Resume this session with:\nclaude --resume {self.conversation}\n"

    def close(self) -> None:
        self.registration.unlink(missing_ok=True)

    def _begin(self) -> None:
        self.transcript.parent.mkdir(parents=True, exist_ok=True)
        self._append({"type": "mode", "mode": "normal", "sessionId": self.conversation})
        self._append({"type": "permission-mode", "permissionMode": "default", "sessionId": self.conversation})

    def _append(self, line: Mapping[str, object]) -> None:
        with self.transcript.open("a", encoding="utf-8") as file:
            file.write(compact(line) + "\n")


def start(options: dict[str, str]) -> Claude:
    """A new conversation, or the one to resume, under the rules that Claude has for ids."""
    wanted = options.get("--session-id")
    resumed = options.get("--resume", options.get("-r"))
    if wanted is not None and resumed is not None:
        raise SystemExit(
            "Error: --session-id can only be used with --continue or --resume if --fork-session is also specified."
        )
    if resumed is not None:
        return resume(resumed)
    conversation = new_id() if wanted is None else wanted
    if not UUID.fullmatch(conversation):
        raise SystemExit("Error: Invalid session ID. Must be a valid UUID.")
    if find(conversation):
        raise SystemExit(f"Error: Session ID {conversation} is already in use.")
    return Claude(conversation, transcript_here(conversation))


def resume(conversation: str) -> Claude:
    """The stored conversation; one in which the user said nothing does not count."""
    transcript = find(conversation)
    if not transcript or '"type":"user"' not in transcript.read_text(encoding="utf-8"):
        raise SystemExit(f"No conversation found with session ID: {conversation}")
    return Claude(conversation, transcript)


def find(conversation: str) -> Path | None:
    """The transcript, in this folder's project first; the old version looks nowhere else."""
    here = transcript_here(conversation)
    if here.exists():
        return here
    elsewhere = [] if OLD or not UUID.fullmatch(conversation) else root().glob(f"projects/*/{conversation}.jsonl")
    return next(iter(elsewhere), None)


def transcript_here(conversation: str) -> Path:
    """Where a conversation that begins in this folder is stored."""
    return root() / "projects" / project_key(str(Path.cwd())) / f"{conversation}.jsonl"


def root() -> Path:
    """The folder that holds everything Claude keeps."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")


def project_key(path: str) -> str:
    """The name of a folder's project: its UTF-16 units, a dash for every one that is no ASCII letter or digit."""
    encoded = path.encode("utf-16-le", "surrogatepass")
    units = memoryview(encoded).cast("H")
    key = "".join(chr(unit) if unit < 128 and chr(unit).isalnum() else "-" for unit in units)
    if len(key) <= KEY_LIMIT:
        return key
    number = 0
    for unit in units:
        number = (31 * number + unit) & 0xFFFFFFFF
    return f"{key[:KEY_LIMIT]}-{base36(min(number, (1 << 32) - number))}"


def base36(number: int) -> str:
    """The number in base 36, as JavaScript writes it."""
    digit = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]
    return base36(number // 36) + digit if number >= 36 else digit


def started() -> str:
    """When this process started, in clock ticks since boot; empty where there is no /proc."""
    stat = Path("/proc/self/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""


def now() -> str:
    """The time, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def new_id() -> str:
    """A random UUID."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def compact(value: Mapping[str, object]) -> str:
    """JSON as JavaScript writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

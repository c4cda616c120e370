"""Claude Code 2.1.330, or 2.1.197 where they differ: its options, ids, files and start dialogs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from agent import Agent, Dialog, Program, ended, is_collapsed
from files import CACHED, INPUT, MODEL, OUTPUT, UUID, append, compact, new_id, now, read_json, replace

OLD = os.environ.get("STANDIN_CLAUDE") == "old"
VERSION = "2.1.197" if OLD else "2.1.330"
PROGRAM = Program(
    frozenset({"--session-id", "--resume", "-r", "--model", "--permission-mode", "--settings", "--name", "-n"}),
    frozenset({"--dangerously-skip-permissions", "--verbose", "--continue", "-c", "--fork-session"}),
)
KEY_LIMIT = 200
NOT_TRUSTED = "Claude Code exits: this folder isn't trusted"
OFFLINE = "Unable to connect to Anthropic services\nFailed to connect to api.anthropic.com: ENOTFOUND"
PERMISSIONS = (
    "1. Yes",
    "2. Yes, and always allow access to this folder from this project",
    *(() if OLD else ("3. Yes, and switch to auto mode",)),
)


class Claude(Agent):
    """One running CLI and the conversation it is in."""

    quit = "/exit"
    quit_seconds = 0.3
    footer = "? for shortcuts"
    alternate_screen = not OLD
    submit = b"" if OLD else b"\x18\x13"
    permission = Dialog(
        "Bash command\n\n  touch played\n\nDo you want to proceed?",
        (*PERMISSIONS, f"{len(PERMISSIONS) + 1}. No"),
        footer="Esc to cancel · Tab to amend",
    )

    def __init__(self, conversation: str, transcript: Path) -> None:
        self.conversation = conversation
        self.transcript = transcript
        self.registration = root() / "sessions" / f"{os.getpid()}.json"
        self.unstored = ""

    def banner(self) -> str:
        return f" ▐▛███▜▌   Claude Code v{VERSION} (stand-in)\n▝▜█████▛▘  {Path.cwd()}\n"

    def title(self, status: str) -> str:
        return "⠐ Claude Code" if OLD and status == "busy" else "✳ Claude Code"

    def dialog(self, name: str) -> Dialog | None:
        return None if settled(name) else dialogs().get(name)

    def answer(self, name: str, choice: int) -> None:
        settings = read_json(settings_file())
        if name == "trust":
            projects = settings.setdefault("projects", {})
            projects.setdefault(str(Path.cwd()), {})["hasTrustDialogAccepted"] = True
        if name == "apikey":
            keys = settings.setdefault("customApiKeyResponses", {"approved": [], "rejected": []})
            keys["rejected" if choice else "approved"].append(key_end())
        replace(settings_file(), compact(settings))

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
        replace(self.registration, compact(state))

    def record(self, role: str, text: str) -> None:
        """The new version stores a paste that it shows collapsed between marks, and only once it has answered."""
        if role == "user" and not OLD and is_collapsed(text):
            mark = f'pasted_content id="{os.urandom(2).hex()}"'
            self.unstored = f"\n\n<{mark}>\n{text}\n</{mark}>\n"
            return
        if self.unstored:
            self._store("user", self.unstored)
            self.unstored = ""
        self._store(role, text)

    def _store(self, role: str, text: str) -> None:
        if not self.transcript.exists():
            self._begin()
            append(self.transcript, {"type": "file-history-snapshot", "snapshot": {}, "isSnapshotUpdate": False})
        message: dict[str, object] = {"role": role, "content": text}
        if role == "assistant":
            usage = {"input_tokens": INPUT - CACHED, "cache_read_input_tokens": CACHED, "output_tokens": OUTPUT}
            message |= {"id": f"msg_{new_id()}", "model": MODEL, "usage": usage}
        where = {"cwd": str(Path.cwd()), "sessionId": self.conversation}
        append(self.transcript, {"type": role, "message": message, **where, "timestamp": now()})

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
        append(self.transcript, {"type": "mode", "mode": "normal", "sessionId": self.conversation})
        append(
            self.transcript,
            {"type": "permission-mode", "permissionMode": "default", "sessionId": self.conversation},
        )


def start(options: dict[str, str], words: list[str]) -> tuple[Claude, str]:
    """A new conversation, or the one to resume, under the rules that Claude has for ids; and the first prompt."""
    prompt = words[-1] if words else ""
    wanted = options.get("--session-id")
    resumed = resumed_id(options)
    if wanted is not None and resumed is not None and "--fork-session" not in options:
        raise ended(
            1, "Error: --session-id can only be used with --continue or --resume if --fork-session is also specified."
        )
    if resumed is None:
        return begin(new_id() if wanted is None else wanted), prompt
    if "--fork-session" in options:
        return fork(resume(resumed), new_id() if wanted is None else wanted), prompt
    return resume(resumed), prompt


def resumed_id(options: dict[str, str]) -> str | None:
    """The id after `--resume`, or of the newest conversation of this folder with `--continue`."""
    if "--continue" not in options and "-c" not in options:
        return options.get("--resume", options.get("-r"))
    stored = sorted(transcript_here("").parent.glob("*.jsonl"), key=lambda file: file.stat().st_mtime)
    if not stored:
        raise ended(1, "No conversation found to continue")
    return stored[-1].stem


def begin(conversation: str) -> Claude:
    """A new conversation under an id that no other has."""
    if not UUID.fullmatch(conversation):
        raise ended(1, "Error: Invalid session ID. Must be a valid UUID.")
    if find(conversation):
        raise ended(1, f"Error: Session ID {conversation} is already in use.")
    return Claude(conversation, transcript_here(conversation))


def fork(agent: Claude, conversation: str) -> Claude:
    """Another conversation that knows what was said in this one."""
    forked = begin(conversation)
    said = agent.transcript.read_text(encoding="utf-8").replace(agent.conversation, conversation)
    replace(forked.transcript, said)
    return forked


def resume(conversation: str) -> Claude:
    """The stored conversation; one in which the user said nothing does not count."""
    transcript = find(conversation)
    if not transcript or '"type":"user"' not in transcript.read_text(encoding="utf-8"):
        raise ended(1, f"No conversation found with session ID: {conversation}")
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


def settings_file() -> Path:
    """`.claude.json`: in the configured folder, else in the home and not in `.claude`."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json"


def dialogs() -> dict[str, Dialog]:
    """The start dialogs: the new version does not trust by default."""
    yes, no = ("1. Yes, I trust this folder", "2. No, exit")
    return {
        "onboarding": Dialog("Welcome to Claude Code\n\nLet's get started.", ("1. Dark mode",), 0, {0: OFFLINE}),
        "trust": Dialog(
            f"Accessing workspace:\n\n {Path.cwd()}\n\nQuick safety check: is this a project you trust?",
            (yes, no),
            0 if OLD else 1,
            {1: NOT_TRUSTED},
            footer="Enter to confirm · Esc to cancel",
        ),
        "apikey": Dialog(
            "Detected a custom API key in your environment\n\nDo you want to use this API key?",
            ("1. Yes", "2. No (recommended)"),
            1,
        ),
    }


def settled(name: str) -> bool:
    """Does `.claude.json` answer the dialog?"""
    settings: dict[str, Any] = read_json(settings_file())
    match name:
        case "onboarding":
            return bool(settings.get("hasCompletedOnboarding"))
        case "trust":
            return bool(settings.get("projects", {}).get(str(Path.cwd()), {}).get("hasTrustDialogAccepted"))
        case _:
            return key_end() in settings.get("customApiKeyResponses", {}).get("approved", [])


def key_end() -> str:
    """What Claude remembers of an API key."""
    return os.environ.get("ANTHROPIC_API_KEY", "")[-20:]


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

"""Codex 0.169.0, or 0.144.5 without a background server: its options, ids, locks, rollouts and start dialogs."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent import ANGLE, END, INTERRUPT, Agent, Dialog, Program, ended
from files import CACHED, INPUT, MODEL, OUTPUT, append, new_timed_id, now, read_lines

OLD = os.environ.get("STANDIN_CODEX") == "old"
SWITCHES = frozenset({
    "--last", "--all", "--no-alt-screen", "--no-daemon", "--listen",
    "--dangerously-bypass-hook-trust", "--dangerously-bypass-approvals-and-sandbox",
})  # fmt: skip
PROGRAM = Program(
    frozenset({"-m", "--model", "-c", "--config", "-C", "--cd"}),
    SWITCHES - {"--no-daemon"} if OLD else SWITCHES,
    "error: unexpected argument '{}' found\n\nUsage: codex [OPTIONS] [PROMPT]",
    2,
    launcher=True,
    version="0.144.5" if OLD else "0.169.0",
)
SERVER_SECONDS = 300
DIALOGS = {
    "login": Dialog(
        "Welcome to Codex, OpenAI's command-line coding agent\n\nSign in with ChatGPT to use Codex",
        ("1. Sign in with ChatGPT", "2. Provide your own API key"),
        0,
        {0: "The stand-in cannot sign in", 1: "The stand-in cannot sign in"},
        ANGLE,
    ),
    "trust": Dialog("Trust this folder?", ("1. Trust", "2. Exit"), 0, {1: ""}, ANGLE),
    "hooks": Dialog("Hooks need review", ("1. Review", "2. Continue without hooks"), 0, {}, ANGLE),
}


class Codex(Agent):
    """One running CLI and the conversation it is in."""

    quit_seconds = 0.1
    placeholder = "Ask Codex to do anything"
    collapsed = "[Pasted Content {characters} chars]"
    presses: Mapping[str, int] = {INTERRUPT: 1, END: 1}
    mark = ANGLE
    submit = b"\t"
    permission = Dialog(
        "Would you like to run the following command?\n\n  $ touch played",
        (
            "1. Yes, proceed (y)",
            "2. Yes, and don't ask again for commands that start with `touch` (p)",
            "3. No, and tell Codex what to do differently (esc)",
        ),
        mark=ANGLE,
    )

    def __init__(self, conversation: str, rollout: Path | None, options: dict[str, str], forked_from: str = "") -> None:
        self.conversation = conversation
        self.rollout = rollout
        self.server = not OLD and "--no-daemon" not in options
        self.forked_from = forked_from
        self.options = options
        self.held: dict[Path, int] = {}
        self.asks = ("folder",) if rollout and folder_of(rollout) != str(Path.cwd()) else ()

    def banner(self) -> str:
        return f">_ OpenAI Codex (v0.169.0) (stand-in)\ndirectory: {Path.cwd()}\n"

    def title(self, status: str) -> str:
        before = {"idle": "", "busy": "⠋ ", "waiting": "[ ! ] Action Required | "}
        return before[status] + Path.cwd().name

    def dialog(self, name: str) -> Dialog | None:
        if name == "folder" and self.rollout:
            return folder_dialog(folder_of(self.rollout))
        return None if self._settled(name) else DIALOGS.get(name)

    def answer(self, name: str, choice: int) -> None:
        if name == "trust":
            config = root() / "config.toml"
            config.parent.mkdir(parents=True, exist_ok=True)
            with config.open("a", encoding="utf-8") as file:
                file.write(f'\n[projects."{Path.cwd()}"]\ntrust_level = "trusted"\n')
        if name == "folder" and self.rollout and choice in {0, 2}:
            os.chdir(folder_of(self.rollout))

    def open(self) -> str:
        """Has the lock open, and what was said before: here, or in the background server, which serves everybody."""
        if not self._hold(self._lock()):
            return "This conversation is open in another app"
        if self.rollout:
            self._hold(self.rollout)
        return ""

    def record(self, role: str, text: str) -> None:
        rollout = self.rollout or self._begin()
        kind = {"user": "input_text", "assistant": "output_text"}[role]
        message = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        if role == "user":
            append(rollout, {"timestamp": now(), "type": "turn_context", "payload": {"model": MODEL}})
        append(rollout, {"timestamp": now(), "type": "response_item", "payload": message})
        if role == "assistant":
            self._count(rollout)

    def _count(self, rollout: Path) -> None:
        """What the answer used, told in the two ways of 0.169.0."""
        usage = {"input_tokens": INPUT, "cached_input_tokens": CACHED, "output_tokens": OUTPUT}
        ids = {"session_id": self.conversation, "turn_id": new_timed_id(), "response_id": new_timed_id()}
        record = {**ids, "usage": usage}
        append(rollout, {"timestamp": now(), "type": "token_usage_record", "payload": record})
        info = {"total_token_usage": usage, "last_token_usage": usage}
        append(rollout, {"timestamp": now(), "type": "event_msg", "payload": {"type": "token_count", "info": info}})

    def command(self, line: str) -> bool:
        """Handles `/new` and `/resume ID`: another conversation in the same process, which keeps the lock of the last.

        The real one lets go of that after a minute.
        """
        match line.split():
            case ["/new"]:
                self.conversation, self.rollout, self.forked_from = new_timed_id(), None, ""
            case ["/resume", conversation]:
                self.conversation, self.rollout, self.forked_from = conversation, stored(conversation), ""
                self._take_anew()
            case _:
                return False
        self.open()
        return True

    def farewell(self, _last_line: str) -> str:
        return f"To continue this session, run codex resume {self.conversation}\n"

    def close(self) -> None:
        """Lets go of the lock; the file stays."""
        while self.held:
            os.close(self.held.popitem()[1])

    def _take_anew(self) -> None:
        """The lock of a conversation that is taken up again is another file."""
        lock = self._lock()
        before = self.held.pop(lock, None)
        lock.unlink(missing_ok=True)
        self._hold(lock)
        if before is not None:
            os.close(before)

    def _begin(self) -> Path:
        self.rollout = begin(self.conversation, "codex_cli_rs", "vscode" if self.server else "cli", self.forked_from)
        self._hold(self.rollout)
        return self.rollout

    def _lock(self) -> Path:
        return root() / "thread-writer-locks" / f"{self.conversation}.lock"

    def _hold(self, file: Path) -> bool:
        return ask_server(file) if self.server else hold(file, self.held)

    def _settled(self, name: str) -> bool:
        config = root() / "config.toml"
        settings = config.read_text(encoding="utf-8") if config.exists() else ""
        match name:
            case "login":
                return "[model_providers." in settings or (root() / "auth.json").exists()
            case "trust":
                return f'[projects."{Path.cwd()}"]\ntrust_level = "trusted"' in settings
            case _:
                return "--dangerously-bypass-hook-trust" in self.options


def start(options: dict[str, str], words: list[str]) -> tuple[Codex, str]:
    """A new conversation, the one to resume, or one forked from it; and the first prompt."""
    if folder := options.get("-C", options.get("--cd")):
        os.chdir(folder)
    match words:
        case ["resume", *rest]:
            return resume(options, rest)
        case ["fork", source, *rest]:
            stored(source)
            return Codex(new_timed_id(), None, options, source), "".join(rest[:1])
        case ["exec", prompt]:
            raise execute(prompt)
        case ["app-server", *_]:
            raise serve()
        case _:
            return Codex(new_timed_id(), None, options), "".join(words[:1])


def resume(options: dict[str, str], words: list[str]) -> tuple[Codex, str]:
    """The stored conversation; `--last` is a new one when this folder has none."""
    if "--last" in options:
        here = [rollout for rollout in rollouts() if "--all" in options or folder_of(rollout) == str(Path.cwd())]
        rollout = max(here, key=lambda file: file.stat().st_mtime, default=None)
        conversation = head(rollout)["id"] if rollout else new_timed_id()
        return Codex(conversation, rollout, options), "".join(words[:1])
    return Codex(words[0], stored(words[0]), options), "".join(words[1:2])


def stored(conversation: str) -> Path:
    """The rollout of a conversation, in the day folder of its start."""
    for rollout in rollouts(conversation):
        return rollout
    raise ended(1, f"No saved session found with ID {conversation}")


def rollouts(conversation: str = "*") -> list[Path]:
    """Every rollout, or that of one conversation."""
    return sorted(root().glob(f"sessions/*/*/*/rollout-*-{conversation}.jsonl"))


def begin(conversation: str, originator: str, source: str, forked_from: str = "") -> Path:
    """Makes the rollout: folder and name in local time, the times inside in UTC."""
    rollout = root() / time.strftime(f"sessions/%Y/%m/%d/rollout-%Y-%m-%dT%H-%M-%S-{conversation}.jsonl")
    payload = {
        "id": conversation,
        "session_id": conversation,
        "timestamp": now(),
        "cwd": str(Path.cwd()),
        "originator": originator,
        "cli_version": "0.169.0",
        "source": source,
        **({"forked_from_id": forked_from} if forked_from else {}),
    }
    append(rollout, {"timestamp": now(), "type": "session_meta", "payload": payload})
    return rollout


def head(rollout: Path) -> dict[str, Any]:
    """What the first line says of a conversation."""
    return dict(next(read_lines(rollout))["payload"])


def folder_of(rollout: Path) -> str:
    """Where the conversation took place."""
    return str(head(rollout)["cwd"])


def folder_dialog(folder: str) -> Dialog:
    """Resumed from elsewhere: in which folder shall it go on?"""
    return Dialog(
        "Working directory · resume",
        (
            f"1. Use session directory ({folder})",
            f"2. Use current directory ({Path.cwd()})",
            "3. Always use session directory",
            "4. Always use current directory",
        ),
        mark=ANGLE,
    )


def execute(prompt: str) -> SystemExit:
    """`codex exec`: a rollout among the others, and no conversation for anybody."""
    rollout = begin(new_timed_id(), "codex_exec", "exec")
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": prompt}]}
    append(rollout, {"timestamp": now(), "type": "response_item", "payload": message})
    return ended(0, "This is a canned reply.")


def hold(file: Path, held: dict[Path, int]) -> bool:
    """Keeps a file open, and a lock locked; False when another process has that."""
    if file in held:
        return True
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        if file.suffix == ".lock":
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    held[file] = descriptor
    return True


def ask_server(file: Path) -> bool:
    """Has the background server keep the file open, always with success; starts it when there is none."""
    server_folder().mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.mkfifo(server_folder() / "requests")
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)
    os.posix_spawn(
        sys.argv[0],
        [sys.argv[0], "app-server", "--listen", "unix://"],
        os.environ,
        file_actions=[nothing, (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)],
        setsid=True,
    )
    with (server_folder() / "requests").open("w", encoding="utf-8") as requests:
        requests.write(f"{file}\n")
    return True


def serve() -> SystemExit:
    """The background server, one a `CODEX_HOME`: outlives every pane; idle for five minutes it ends, for our tests."""
    held: dict[Path, int] = {}
    if not hold(server_folder() / "server.lock", held):
        return SystemExit(0)
    requests = os.open(server_folder() / "requests", os.O_RDWR)
    while select.select([requests], [], [], SERVER_SECONDS)[0]:
        for name in os.read(requests, 65536).decode().splitlines():
            hold(Path(name), held)
    return SystemExit(0)


def server_folder() -> Path:
    """What the background server keeps."""
    return root() / "packages" / "app-server-daemon"


def root() -> Path:
    """The folder that holds everything Codex keeps."""
    return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")

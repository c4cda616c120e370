"""A project in a folder of its own: worked on through the command line, looked at with other eyes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import warm
from ruamel.yaml import YAML
from waiting import PATIENCE, wait_until

STANDINS = Path(__file__).parents[1] / "standin" / "bin"
SEARCH = ":".join(filter(None, (str(STANDINS), os.environ.get("RECONCILER_TMUX"), "/usr/bin", "/bin")))
SCHEMAS = Path(__file__).parents[2] / "schemas"
CLI = (sys.executable, "-m", "reconciler")
SECONDS = PATIENCE
_FORMAT = (
    "#{session_name},#{pane_id},#{pane_pid},#{pane_dead},#{pane_current_path},"
    "#{@reconciler_lineage},#{@reconciler_address},#{@reconciler_session_id}"
)


class Gate(NamedTuple):
    """A git that says `reached`, and then waits until `opened` is there."""

    reached: Path
    opened: Path

    def open(self) -> None:
        """Let whoever waits go on, or whoever comes."""
        self.opened.touch()


class Pane(NamedTuple):
    """A session of one pane, as tmux itself tells it."""

    session: str
    id: str
    pid: int
    dead: bool
    cwd: str
    lineage: str
    address: str
    conversation: str


@dataclass(frozen=True)
class Project:
    """One project; everything in it, its home and its socket are under one temporary folder."""

    root: Path
    home: Path
    socket: Path

    @property
    def env(self) -> dict[str, str]:
        search = f"{self.home}/wrapped:{SEARCH}"
        return {"HOME": str(self.home), "PATH": search, "LANG": "C.UTF-8", "SHELL": "/bin/sh"}

    @property
    def registry(self) -> Path:
        return self.root / ".hermes" / "agent-sessions.yaml"

    # --- what the user does ---

    def declare(self, **agents: object) -> None:
        """Write a manifest with these agents in the one workspace `lab`."""
        self.write({"lab": {"path": "lab", "agents": agents}})

    def write(self, workspaces: Mapping[str, object], **rest: object) -> None:
        """Write the manifest; every JSON document is a YAML document."""
        whole = {"version": 1, "tmux": {"socket_path": str(self.socket)}, "workspaces": workspaces, **rest}
        (self.root / "reconciler.yaml").write_text(json.dumps(whole, indent=1))

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        """Everything that the command printed, after it has ended with `code`."""
        done = self.attempt(*words, **env)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said

    def attempt(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.env, **env}
        if warm.may_run(environment, self.env):
            return warm.run(words, self.root, environment, SECONDS)
        return subprocess.run(
            [*CLI, *words],
            check=False,
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """The command, still running."""
        pipe = subprocess.PIPE
        environment = {**self.env, **env}
        return subprocess.Popen([*CLI, *words], cwd=self.root, env=environment, stdout=pipe, stderr=pipe, text=True)

    def apply(self, *words: str, code: int = 0, **env: str) -> str:
        return self.run("apply", "--auto-approve", *words, code=code, **env)

    def plan(self, *words: str, **env: str) -> dict[str, Any]:
        """The JSON plan."""
        return json.loads(self.attempt("plan", "--json", *words, **env).stdout)

    def json(self, *words: str, code: int | None = None) -> dict[str, Any]:
        """The document that a command prints."""
        done = self.attempt(*words, "--json")
        assert code is None or done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def actions(self, *words: str, **env: str) -> dict[str, str]:
        """What the plan would do, by address, without what it leaves alone."""
        changes = self.plan(*words, **env)["resource_changes"]
        return {c["address"]: "/".join(c["actions"]) for c in changes if c["actions"] != ["no-op"]}

    # --- what befalls it ---

    def reboot(self) -> None:
        """The tmux server ends, and all that ran in it."""
        self.tmux("kill-server")
        wait_until(lambda: not self.processes())

    def lose(self, session: str) -> None:
        """Somebody kills the session; its agent, which hears of it a moment later, has gone too."""
        pid = self.pane(session).pid
        self.tmux("kill-session", "-t", f"={session}")
        wait_until(lambda: not runs(pid))

    # --- what is really there ---

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-S", str(self.socket), *words]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=self.env).stdout

    def live(self) -> dict[str, Pane]:
        """Every session, by name; tmux may know the folder of a new one only a moment later."""
        panes: list[Pane] = []

        def all_are_somewhere() -> bool:
            rows = (row.split(",") for row in self.tmux("list-panes", "-a", "-F", _FORMAT).splitlines())
            panes[:] = [Pane(n, i, int(pid), dead == "1", *rest) for n, i, pid, dead, *rest in rows]
            return all(pane.cwd or pane.dead for pane in panes)

        wait_until(all_are_somewhere)
        return {pane.session: pane for pane in panes}

    def pane(self, session: str) -> Pane:
        return self.live()[session]

    def screen(self, session: str) -> str:
        return self.tmux("capture-pane", "-p", "-S", "-", "-t", f"={session}:")

    def type(self, session: str, line: str) -> None:
        self.tmux("send-keys", "-t", f"={session}:", "-l", line)
        self.tmux("send-keys", "-t", f"={session}:", "Enter")

    def recorded(self) -> dict[str, Any]:
        """The registry."""
        return YAML(typ="safe").load(self.registry)

    def identities(self, workspace: str) -> dict[str, Any]:
        """The conversations of its agents, as recorded."""
        return self.recorded()["workspaces"][workspace]["agent_identities"]

    def row(self, session: str) -> dict[str, Any]:
        return self.recorded()["sessions"][session]

    def transcripts(self) -> dict[str, list[str]]:
        """What the user said, by conversation."""
        return {file.stem: _said(file) for file in (self.home / ".claude" / "projects").glob("*/*.jsonl")}

    def activity(self, pid: int) -> str:
        """What the agent says it is doing; empty while, or after, it says nothing."""
        note = self.home / ".claude" / "sessions" / f"{pid}.json"
        return json.loads(note.read_text())["status"] if note.exists() else ""

    def processes(self) -> list[int]:
        """Every process with this project's home: its tmux server, its agents, and what they started."""
        mark = f"\0HOME={self.home}\0".encode()
        return [pid for pid in pids() if pid != os.getpid() and mark in b"\0" + _bytes(pid, "environ")]

    def files(self) -> dict[str, bytes]:
        """The content of every regular file under the temporary folder."""
        found = (path for path in self.home.rglob("*") if path.is_file() and not path.is_symlink())
        return {str(path.relative_to(self.home)): path.read_bytes() for path in found}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def environment(pid: int) -> dict[str, str]:
    """What a process has in its environment."""
    entries = _bytes(pid, "environ").decode().split("\0")[:-1]
    return dict(entry.split("=", 1) for entry in entries)


def arguments(pid: int) -> list[str]:
    return os.fsdecode(_bytes(pid, "cmdline")).split("\0")[:-1]


def command_lines() -> bytes:
    """What every process of this machine was called with."""
    return b"\n".join(_bytes(pid, "cmdline") for pid in pids())


def runs(pid: int) -> bool:
    """True while the process is there and no zombie."""
    return _bytes(pid, "stat").rpartition(b") ")[2][:1] not in {b"", b"Z", b"X"}


def parent(pid: int) -> int:
    """The process that started it; 0 when it is gone."""
    fields = _bytes(pid, "stat").rpartition(b") ")[2].split()
    return int(fields[1]) if fields else 0


def pids() -> list[int]:
    """Every process of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _bytes(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # gone, or another user's
        return b""


def _said(transcript: Path) -> list[str]:
    lines = [json.loads(line) for line in transcript.read_text().splitlines()]
    said = (line["message"]["content"] for line in lines if line["type"] == "user")
    return [re.sub(r"\s*<(pasted_content .*)>\n(.*)\n</\1>\n", r"\2", text, flags=re.DOTALL) for text in said]

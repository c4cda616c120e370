"""Agents that do nothing, but leave what the CLIs leave whose names they bear: notes, open files, conversations."""

from __future__ import annotations

import json
import os
import subprocess

from lab import Lab

from reconciler.agents.keys import project_key

_CLAUDE = "#!/bin/sh\nexec sleep 1000000\n"
_CODEX = """\
#!/usr/bin/python3 -IS
import fcntl, os, sys, uuid
if "--version" in sys.argv:
    print("codex-cli 0.169.0")
    raise SystemExit
home, id = os.environ["HOME"] + "/.codex", uuid.uuid4()
lock = os.open(f"{home}/thread-writer-locks/{id}.lock", os.O_WRONLY | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock, True)
open(f"{home}/sessions/2026/06/25/rollout-2026-06-25T03-19-24-{id}.jsonl", "w").close()
os.execvp("sleep", ["sleep", "1000000"])
"""
_FORMAT = "#{pane_pid} #{@reconciler_session_id} #{pane_start_path}"
_LINE = '{"type":"user","cwd":"%s","message":"Read AGENTS.md, then wait."}\n'
_LINES = 500


def install(place: Lab, cli: str) -> None:
    """Put the CLI on the lab's search path."""
    for folder in ("bin", ".codex/thread-writer-locks", ".codex/sessions/2026/06/25"):
        os.makedirs(os.path.join(place.root, folder), exist_ok=True)
    path = os.path.join(place.root, "bin", cli)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o700), "w", encoding="utf-8") as file:
        file.write({"claude": _CLAUDE, "codex": _CODEX}[cli])


def leave_notes(place: Lab) -> None:
    """Leave a note about each process, and what was said in its conversation, as Claude does."""
    config = os.path.join(place.root, ".claude")
    command = ["tmux", "-u", "-S", place.socket, "list-panes", "-a", "-F", _FORMAT]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        pid, conversation, cwd = line.split(" ", 2)
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            started = file.read().rpartition(")")[2].split()[19]
        note = {"pid": int(pid), "procStart": started, "sessionId": conversation, "status": "idle", "cwd": cwd}
        _write(os.path.join(config, "sessions", f"{pid}.json"), json.dumps(note))
        _write(os.path.join(config, "projects", project_key(cwd), f"{conversation}.jsonl"), _LINE % cwd * _LINES)


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)

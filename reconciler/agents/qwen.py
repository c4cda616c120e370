"""Qwen Code, as tested with versions 0.15.10 and 0.24.4.

We choose the id (`--session-id`). The chat file appears with the first prompt. Two notes about the process exist
before that: `sessions/<pid>.json`, and `<id>.runtime.json` in the folder of the chat file.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Mapping
from functools import partial
from typing import Any

from reconciler.model.activity import Activity, LiveAgent

from .binding import Binding, LiveNote
from .box import InputBox
from .display import Display
from .jsonl import inner, moment, number, objects, parsed, text
from .keys import is_uuid, project_key
from .launch import PROMPT, SESSION_ID, Launch, Shutdown
from .message import StoredMessage, texts
from .permission import PermissionPrompt
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_TITLES = {"✳": Activity.WAITING, **dict.fromkeys("◐◓◑◒", Activity.BUSY)}


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Qwen's state for this agent."""
    return os.path.join(subject.home, ".qwen")


def _projects(subject: AgentEnvironment) -> str:
    return os.path.join(glob.escape(config_root(subject)), "projects")


def _chats(subject: AgentEnvironment, folder: str, name: str) -> str:
    return os.path.join(_projects(subject), folder, "chats", name)


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    """The chat under this folder first, then under any folder: the workspace may have moved."""
    name = f"{glob.escape(conversation)}.jsonl"
    return (_chats(subject, project_key(subject.cwd), name), _chats(subject, "*", name))


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    return (_chats(subject, project_key(subject.cwd), "*.jsonl"),)


def _read_head(path: str, head: bytes) -> StoredHead | None:
    conversation = os.path.basename(path).removesuffix(".jsonl")
    if not is_uuid(conversation):
        return None
    first = next(objects(head), {})
    return StoredHead(conversation, text(first, "cwd"), started=moment(first, "timestamp"))


def _belongs(path: str) -> tuple[str, ...]:
    return (glob.escape(f"{path.removesuffix('.jsonl')}.runtime.json"),)


def _notes(subject: AgentEnvironment, pid: int) -> tuple[str, ...]:
    own = os.path.join(glob.escape(config_root(subject)), "sessions", f"{pid}.json")
    return (own, _chats(subject, project_key(subject.cwd), "*.runtime.json"))


def _read_note(path: str, data: bytes) -> LiveNote | None:
    """Read a note; the pid is the name of the note, or in it."""
    note = parsed(data)
    conversation = text(note, "session_id", "sessionId")
    name = os.path.basename(path).removesuffix(".json")
    pid = int(name) if name.isdecimal() else number(note, "pid")
    return LiveNote(LiveAgent(conversation=conversation), pid=pid) if conversation and pid else None


def _activity(title: str) -> Activity:
    """Waiting or busy by the mark in the title, `✳︎ Qwen - <folder>`; 0.15.10 shows no marks, so the rest is unknown."""
    return _TITLES.get(title[:1], Activity.UNKNOWN)


def _read_message(line: Mapping[str, Any]) -> StoredMessage | None:
    """What was said; thoughts are parts with a mark of their own."""
    role, said = text(line, "type"), texts(inner(line, "message").get("parts"))
    return StoredMessage(role, said, text(line, "timestamp")) if role in {"user", "assistant"} and said else None


PROFILE = Profile(
    name="qwen",
    tested=("0.15.10", "0.24.4"),
    tokens="reconciler.agents.qwen_tokens:TOKENS",
    launch=Launch(
        command=("qwen",),
        new=("--session-id", SESSION_ID),
        resume=("--resume", SESSION_ID),
        prompt=("-i", PROMPT),
    ),
    usage=Usage(
        packages=("@qwen-code/qwen-code",),
        resume=("--resume", "-r", "--session-id"),
        newest=("--continue", "-c"),
        prompt=("--prompt-interactive", "-i"),
        switches=("--debug", "-d", "--screen-reader", "--yolo", "-y"),
        once=("--prompt", "-p", "--list-extensions", "-l", *ENDS),
        commands=("auth", "channel", "extensions", "hooks", "mcp"),
    ),
    shutdown=Shutdown(quit="/quit", resume_line=r"qwen --resume (\S+)"),
    storage=Storage(
        roots=lambda subject: (config_root(subject),),
        artifacts=_artifacts,
        belongs=_belongs,
        stores=_stores,
        read_head=_read_head,
    ),
    binding=Binding(
        notes=_notes,
        users=lambda subject, _conversation: (os.path.join(glob.escape(config_root(subject)), "sessions", "*.json"),),
        read_note=_read_note,
    ),
    transcript=Transcript(read_message=_read_message),
    display=Display(
        tells_activity=True,
        activity=_activity,
        rules=partial(rules, "qwen"),
        submit=("C-q",),  # "queue", which sends at once when the CLI is idle
        box=InputBox(">", empty="Type your message or @path/to/file"),
        permission=PermissionPrompt(
            first=r"1\. .*",
            last=r"\d\. No\b.*",
            once=r"1\. Yes, allow once",
            approve="Enter",
            mark="\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        ),
    ),
)

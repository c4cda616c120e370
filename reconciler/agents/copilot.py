"""GitHub Copilot CLI, as tested with version 1.0.102.

We choose the id (`--session-id`, which resumes an existing conversation). Each conversation has a folder from its
start on; the file of its events appears with the first prompt. A running CLI keeps `inuse.<pid>.lock` in the folder.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from reconciler.model.activity import LiveAgent

from .binding import Binding, LiveNote
from .box import InputBox
from .display import Display
from .jsonl import document, inner, moment, objects, text, written
from .launch import PROMPT, SESSION_ID, Launch, Shutdown, Trust
from .message import StoredMessage, texts
from .permission import PermissionPrompt
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Copilot's state for this agent."""
    return os.path.join(subject.home, ".copilot")


def _sessions(subject: AgentEnvironment, *below: str) -> str:
    return os.path.join(glob.escape(config_root(subject)), "session-state", *below)


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    return (_sessions(subject, glob.escape(conversation), "events.jsonl"),)


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    """The conversations of all workspaces: the folders are named after ids."""
    return (_sessions(subject, "*", "events.jsonl"),)


def _read_head(path: str, head: bytes) -> StoredHead | None:
    first = next(objects(head), {})
    start = inner(first, "data")
    conversation = text(start, "sessionId") or os.path.basename(os.path.dirname(path))
    return StoredHead(conversation, text(inner(start, "context"), "cwd"), started=moment(first, "timestamp"))


def _belongs(path: str) -> tuple[str, ...]:
    """The folder of the conversation, with everything in it."""
    return (glob.escape(os.path.dirname(path)),)


def _notes(subject: AgentEnvironment, pid: int) -> tuple[str, ...]:
    return (_sessions(subject, "*", f"inuse.{pid}.lock"),)


def _read_note(path: str, _data: bytes) -> LiveNote | None:
    found = re.fullmatch(r".*/([^/]+)/inuse\.(\d+)\.lock", path)
    return LiveNote(LiveAgent(conversation=found[1]), pid=int(found[2])) if found else None


def _with_trust(content: bytes, folder: str) -> bytes:
    settings = document(content)
    trusted = settings.setdefault("trusted_folders", [])
    if not isinstance(trusted, list):
        raise ValueError("trusted_folders is not a list")
    if folder in trusted:
        return content
    trusted.append(folder)
    return written(settings)


def _read_message(line: Mapping[str, Any]) -> StoredMessage | None:
    """What was said, in events that are called after who said it."""
    role, _, kind = text(line, "type").partition(".")
    said = texts(inner(line, "data").get("content"))
    is_message = kind == "message" and role in {"user", "assistant"}
    return StoredMessage(role, said, text(line, "timestamp")) if is_message and said else None


PROFILE = Profile(
    name="copilot",
    tested=("1.0.68", "1.0.102"),
    tokens="reconciler.agents.copilot_tokens:TOKENS",
    launch=Launch(
        command=("copilot",),
        new=("--session-id", SESSION_ID),
        resume=(f"--resume={SESSION_ID}",),
        prompt=("-i", PROMPT),
    ),
    usage=Usage(
        packages=("@github/copilot",),
        resume=("--resume", "-r", "--session-id"),
        newest=("--continue",),
        prompt=("--interactive", "-i"),
        switches=(
            "--allow-all",
            "--allow-all-paths",
            "--allow-all-tools",
            "--allow-all-urls",
            "--banner",
            "--no-color",
            "--yolo",
        ),
        once=("--prompt", "-p", "--acp", *ENDS),
        commands=("help", "init", "login", "mcp", "plugin", "update", "version"),
    ),
    trust=Trust(
        file=lambda subject: os.path.join(config_root(subject), "config.json"),
        with_folder=_with_trust,
        setting="trusted_folders in config.json, or the second answer; a plain Yes asks again at every start",
    ),
    shutdown=Shutdown(quit="/exit", resume_line=r"copilot --resume=(\S+)"),
    storage=Storage(
        roots=lambda subject: (config_root(subject),),
        artifacts=_artifacts,
        belongs=_belongs,
        stores=_stores,
        read_head=_read_head,
    ),
    binding=Binding(
        notes=_notes,
        users=lambda subject, conversation: (_sessions(subject, glob.escape(conversation), "inuse.*.lock"),),
        read_note=_read_note,
    ),
    transcript=Transcript(read_message=_read_message),
    display=Display(
        tells_activity=True,
        rules=partial(rules, "copilot"),
        submit=("C-q",),  # "queue", which sends at once when the CLI is idle
        box=InputBox("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"),
        permission=PermissionPrompt(
            first=r"1\. .*",
            last=r"\d\. No, and tell Copilot\b.*",
            once=r"1\. Yes",
            approve="Enter",
            mark="\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}",
        ),
    ),
)

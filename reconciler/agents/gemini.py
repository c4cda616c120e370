"""Gemini CLI, as tested with version 0.61.0.

We choose the id (`--session-id`). The chat file exists before the first prompt, under a slug of the folder's name. Its
own name contains only the minute and the first 8 characters of the id. A resume in a later minute makes a second file
with the same id, without a user message.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Mapping
from functools import partial
from typing import Any

from reconciler.model.activity import Activity
from reconciler.model.event_kind import EventKind

from .box import InputBox
from .display import Display
from .hooks import Hooks, Payload
from .jsonl import inner, moment, objects, text
from .keys import slug
from .launch import PROMPT, SESSION_ID, Launch, Shutdown, Trust
from .message import StoredMessage, texts
from .permission import PermissionPrompt
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_HOOKS = {
    "BeforeAgent": EventKind.STARTED,
    "Notification": EventKind.PERMISSION_REQUIRED,
    "AfterAgent": EventKind.PROGRESS,
}
_TITLES = {"◇": Activity.IDLE, "✦": Activity.BUSY, "✋": Activity.WAITING}


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Gemini's state for this agent."""
    return os.path.join(subject.home, ".gemini")


def _chats(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    """The chat files under the folder's slug, or the slug with a number when another folder has the same one."""
    root, name = os.path.join(glob.escape(config_root(subject)), "tmp"), slug(subject.cwd)
    file = f"session-*-{conversation}.jsonl"
    return tuple(os.path.join(root, folder, "chats", file) for folder in (name, f"{name}-[0-9]*"))


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    """The chat files of an id. The oldest sorts first: it is the one that contains the turns."""
    return _chats(subject, glob.escape(conversation[:8]))


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    return _chats(subject, "*")


def _read_head(_path: str, head: bytes) -> StoredHead | None:
    first = next(objects(head), {})
    conversation = text(first, "sessionId")
    if not conversation:
        return None
    digest = f"sha256:{text(first, 'projectHash')}"
    return StoredHead(conversation, cwd_digest=digest, started=moment(first, "startTime"))


def _activity(title: str) -> Activity:
    return _TITLES.get(title[:1], Activity.UNKNOWN)


def _request(payload: Payload) -> str:
    """What the CLI asks permission for; empty for a notification that is not a question."""
    if text(payload, "notification_type") != "ToolPermission":
        return ""
    details = inner(payload, "details")
    return f"{text(details, 'type')}:{text(details, 'command', 'title') or text(payload, 'message')}"


def _read_message(line: Mapping[str, Any]) -> StoredMessage | None:
    """A message is written again, with its id, as it grows."""
    role = {"user": "user", "gemini": "assistant"}.get(text(line, "type"), "")
    said = texts(line.get("content"))
    return StoredMessage(role, said, text(line, "timestamp"), text(line, "id")) if role and said else None


PROFILE = Profile(
    name="gemini",
    tested=("0.45.2", "0.61.0"),
    tokens="reconciler.agents.gemini_tokens:TOKENS",
    launch=Launch(
        command=("gemini",),
        new=("--session-id", SESSION_ID),
        resume=("--resume", SESSION_ID),
        prompt=("-i", PROMPT),
        goes_on_in_child=True,
    ),
    usage=Usage(
        packages=("@google/gemini-cli",),
        resume=("--resume", "-r", "--session-id"),
        prompt=("--prompt-interactive", "-i"),
        switches=("--debug", "-d", "--screen-reader", "--skip-trust", "--yolo", "-y"),
        once=("--prompt", "-p", "--list-sessions", "--list-extensions", "-l", *ENDS),
        commands=("extension", "extensions", "gemma", "hooks", "mcp", "skill", "skills"),
    ),
    trust=Trust(
        args=("--skip-trust",),
        setting="security.folderTrust.enabled: false, in settings.json",
    ),
    shutdown=Shutdown(
        quit="/quit",
        resume_line=r"gemini --resume (\S+)",
        survives_kill="the launcher and its child, when the session is killed while it is idle; SIGTERM ends them",
    ),
    storage=Storage(
        roots=lambda subject: (config_root(subject),),
        artifacts=_artifacts,
        several_files=True,
        stores=_stores,
        read_head=_read_head,
        fragile_resume="the start after a resume deletes the file that contains the turns (seen in 0.61.0); "
        "general.sessionRetention.enabled: false in settings.json keeps it",
        # From another folder, 0.61.0 prints `No previous sessions found for this project` and exits (tested in 2026).
        follows=lambda _version: False,
    ),
    transcript=Transcript(proof=b'"type":"user"', read_message=_read_message, rewrites=True),
    display=Display(
        tells_activity=True,
        activity=_activity,
        rules=partial(rules, "gemini"),
        box=InputBox(">", empty="Type your message or @path/to/file"),
        permission=PermissionPrompt(
            first=r"1\. .*", last=r"\d\. No, suggest changes \(esc\)", once=r"1\. Allow once", approve="1"
        ),
    ),
    hooks=Hooks(
        user=lambda subject: os.path.join(config_root(subject), "settings.json"),
        project=os.path.join(".gemini", "settings.json"),
        events=_HOOKS,
        limit=10_000,
        request=_request,
        reply="{}",
    ),
)

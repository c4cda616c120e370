"""Claude Code, as tested with versions 2.1.156 to 2.1.332.

We choose the id (`--session-id`, a UUID). The transcript appears with the first prompt. A transcript without a user
message cannot be resumed, and in 2.1.197 its id cannot be used for a new start, either. While it runs, the CLI keeps
`sessions/<pid>.json` with its id and status, but only after its start dialogs are answered.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.event_kind import EventKind

from .binding import Binding, LiveNote
from .box import InputBox
from .display import Display
from .hooks import Hooks
from .jsonl import document, inner, moment, number, objects, parsed, table, text, written
from .keys import UUID, is_uuid, project_key
from .launch import SESSION_ID, Launch, Shutdown, Trust
from .message import StoredMessage, texts
from .payload import tool_request
from .permission import PermissionPrompt
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_HOOKS = {
    "UserPromptSubmit": EventKind.STARTED,
    "PermissionRequest": EventKind.PERMISSION_REQUIRED,
    "Stop": EventKind.PROGRESS,
}
_CIRCLES = frozenset("◐◓◑◒")
_STATUS = {"idle": Activity.IDLE, "busy": Activity.BUSY, "waiting": Activity.WAITING}


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Claude's state for this agent."""
    return subject.env.get("CLAUDE_CONFIG_DIR") or os.path.join(subject.home, ".claude")


def _settings(subject: AgentEnvironment) -> str:
    """The settings file: in the configured folder if there is one, else in the home folder, not in `.claude`."""
    return os.path.join(subject.env.get("CLAUDE_CONFIG_DIR") or subject.home, ".claude.json")


def _with_trust(content: bytes, folder: str) -> bytes:
    settings = document(content)
    project = table(table(settings, "projects"), folder)
    if project.get("hasTrustDialogAccepted") is True:
        return content
    project["hasTrustDialogAccepted"] = True
    return written(settings)


def _projects(subject: AgentEnvironment) -> str:
    return os.path.join(glob.escape(config_root(subject)), "projects")


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    """The transcript under this folder first, then under any folder: the workspace may have moved."""
    projects, name = _projects(subject), f"{glob.escape(conversation)}.jsonl"
    return (os.path.join(projects, project_key(subject.cwd), name), os.path.join(projects, "*", name))


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    return (os.path.join(_projects(subject), project_key(subject.cwd), "*.jsonl"),)


def _read_head(path: str, head: bytes) -> StoredHead | None:
    """Read the id and the folder. Folders can share a project key, so only the `cwd` of a message names the folder."""
    conversation = os.path.basename(path).removesuffix(".jsonl")
    if not is_uuid(conversation):
        return None
    lines = list(objects(head))
    cwd = next((cwd for line in lines if (cwd := text(line, "cwd"))), "")
    started = next((began for line in lines if (began := moment(line, "timestamp"))), 0)
    return StoredHead(conversation, cwd, started=started)


def _notes(subject: AgentEnvironment, pid: int) -> tuple[str, ...]:
    return (os.path.join(glob.escape(config_root(subject)), "sessions", f"{pid}.json"),)


def _read_note(_path: str, data: bytes) -> LiveNote | None:
    """Read a note; None if its start is not a number, since it would not protect against a reused pid then."""
    note = parsed(data)
    started = number(note, "procStart")
    if not note or ("procStart" in note and started is None):
        return None
    agent = LiveAgent(_STATUS.get(text(note, "status"), Activity.UNKNOWN), text(note, "sessionId"))
    return LiveNote(agent, started, number(note, "pid"))


def _follows(version: str) -> bool | None:
    """From another folder, 2.1.197 prints `No conversation found` and exits; 2.1.330 opens it (tested in 2026)."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    number = tuple(map(int, found.groups())) if found else ()
    if not number or (2, 1, 197) < number < (2, 1, 330):
        return None
    return number >= (2, 1, 330)


def _activity(title: str) -> Activity:
    """Busy when the title starts with a spinner: dots up to 2.1.197, a rotating circle in 2.1.330."""
    return Activity.BUSY if "\u2801" <= title[:1] <= "\u28ff" or title[:1] in _CIRCLES else Activity.UNKNOWN


def _read_message(line: Mapping[str, Any]) -> StoredMessage | None:
    """Each part of an answer is a line, with the id of the message; what tools say counts as a user's, too."""
    role, message = text(line, "type"), inner(line, "message")
    said = texts(message.get("content"), frozenset({"text"}))
    if role not in {"user", "assistant"} or line.get("isSidechain") or line.get("isMeta") or not said:
        return None
    return StoredMessage(role, said, text(line, "timestamp"), text(message, "id"))


PROFILE = Profile(
    name="claude",
    tested=("2.1.156", "2.1.197", "2.1.330", "2.1.332"),
    tokens="reconciler.agents.claude_tokens:TOKENS",
    launch=Launch(
        command=("claude",),
        new=("--session-id", SESSION_ID),
        resume=("--resume", SESSION_ID),
    ),
    usage=Usage(
        packages=("@anthropic-ai/claude-code",),
        resume=("--resume", "-r", "--session-id"),
        newest=("--continue", "-c"),
        fork=("--fork-session",),
        switches=(
            "--allow-dangerously-skip-permissions",
            "--chrome",
            "--dangerously-skip-permissions",
            "--ide",
            "--no-chrome",
            "--strict-mcp-config",
            "--verbose",
        ),
        once=("--print", "-p", *ENDS),
        commands=(
            "agents",
            "auth",
            "config",
            "doctor",
            "install",
            "mcp",
            "migrate-installer",
            "plugin",
            "setup-token",
            "update",
            "upgrade",
        ),
    ),
    trust=Trust(
        file=_settings,
        with_folder=_with_trust,
        setting="hasTrustDialogAccepted: true, under projects and the real path of the folder, in .claude.json",
    ),
    shutdown=Shutdown(quit="/exit", resume_line=rf"claude --resume ({UUID})"),
    storage=Storage(
        variables=("CLAUDE_CONFIG_DIR",),
        roots=lambda subject: (config_root(subject),),
        follows=_follows,
        artifacts=_artifacts,
        stores=_stores,
        read_head=_read_head,
    ),
    transcript=Transcript(
        read_message=_read_message,
        proof=b'"type":"user"',
        # 2.1.330 stores a paste that it shows collapsed in this form, 2.1.197 as plain text.
        wrapped=r'\s*<pasted_content id="[^"]*">(.*)</pasted_content[^>]*>\s*',
    ),
    binding=Binding(
        notes=_notes,
        users=lambda subject, _conversation: (os.path.join(glob.escape(config_root(subject)), "sessions", "*.json"),),
        read_note=_read_note,
        dates_notes=True,
    ),
    display=Display(
        tells_activity=True,
        activity=_activity,
        rules=partial(rules, "claude"),
        submit=("C-x", "C-s"),  # "send now"; 2.1.197 does not know these keys and ignores them
        box=InputBox("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}", empty=r'Try ".*'),
        permission=PermissionPrompt(first=r"1\. .*", last=r"Esc to cancel\b.*", once=r"1\. Yes", approve="1"),
    ),
    hooks=Hooks(
        user=lambda subject: os.path.join(config_root(subject), "settings.json"),
        # The file that is not committed, because our command contains paths of this machine.
        project=os.path.join(".claude", "settings.local.json"),
        events=_HOOKS,
        limit=10,
        request=tool_request,
    ),
)

"""Cline's command line, as tested with versions 3.0.57 and 3.0.65.

The CLI chooses the id. Each conversation has a folder from its first prompt on; `<id>.json` in it names the process and
what that does. A `--cline-hub-daemon` outlives the CLI, and then runs the conversations of later ones: their file names
the daemon, which proves nothing.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.moment import from_unix

from .binding import Binding, LiveNote
from .declared import profile_of
from .form import BoxForm, PermissionForm, TypeForm
from .jsonl import inner, moment, number, parsed, text
from .launch import SESSION_ID
from .message import StoredMessage, texts
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import Usage

_ID = r"\d{13}_[a-z0-9]+"
_TEXT = frozenset({"text"})
_WRAPPED = r"<user_input[^>]*>(.*)</user_input>"
_FILE = "[0-9]*_?????.json"  # beside it is `<id>.messages.json`
_STATUS = {"running": Activity.BUSY, "idle": Activity.IDLE, "pending": Activity.WAITING}


def _folder(subject: AgentEnvironment, variable: str, *otherwise: str) -> str:
    named = subject.env.get(variable, "")
    return os.path.join(subject.cwd, named) if named else os.path.join(*otherwise)


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Cline's state for this agent."""
    return _folder(subject, "CLINE_DIR", subject.home, ".cline")


def sessions(subject: AgentEnvironment) -> str:
    """The folder that has one for each conversation, of all workspaces."""
    data = _folder(subject, "CLINE_DATA_DIR", config_root(subject), "data")
    return _folder(subject, "CLINE_SESSION_DATA_DIR", data, "sessions")


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    return (_in_folder(subject, conversation, ".messages.json"),)


def _in_folder(subject: AgentEnvironment, conversation: str, ending: str) -> str:
    id_ = glob.escape(conversation)
    return os.path.join(glob.escape(sessions(subject)), id_, f"{id_}{ending}")


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    return (os.path.join(glob.escape(sessions(subject)), "*", _FILE),)


def _read_head(path: str, head: bytes) -> StoredHead | None:
    """Read the file about the conversation; of the messages, only the name of the file is needed."""
    found = parsed(head)
    conversation = os.path.basename(path).partition(".")[0]
    if not re.fullmatch(_ID, conversation):
        return None
    title = text(inner(found, "metadata"), "title")
    return StoredHead(
        conversation,
        text(found, "cwd"),
        hidden=found.get("interactive") is False,
        started=moment(found, "started_at"),
        title=title,
    )


def _read_note(_path: str, data: bytes) -> LiveNote | None:
    """A conversation that its process has left is no note. One of the daemon's has the CLI's arguments in it."""
    note = parsed(data)
    conversation, pid = text(note, "session_id"), number(note, "pid")
    activity = _STATUS.get(text(note, "status"))
    if not conversation or not pid or activity is None or "source" in inner(note, "metadata"):
        return None
    return LiveNote(LiveAgent(activity, conversation), pid=pid)


def _read_document(found: Mapping[str, Any]) -> Iterator[StoredMessage]:
    """All that was said; what tools answered has the role of a user, but no text."""
    for each in found.get("messages") or ():
        message = each if isinstance(each, dict) else {}
        role, said, at = text(message, "role"), texts(message.get("content"), _TEXT), number(message, "ts") or 0
        if role in {"user", "assistant"} and said:
            yield StoredMessage(role, said, from_unix(at // 1000) if at else "", text(message, "id"))


def _roots(subject: AgentEnvironment) -> tuple[str, ...]:
    return tuple(dict.fromkeys((config_root(subject), sessions(subject))))


_CHOICES = ("[y] Approve*[n] Deny",)
_FORM = TypeForm(
    name="cline",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("3.0.57", "3.0.65"),
    command=("cline",),
    args_always=("-i",),  # without it, a prompt is answered once
    resume=("--id", SESSION_ID),
    command_line=Usage(
        packages=("cline",),
        resume=("--id",),
        folder=("--cwd", "-c"),
        switches=("--tui", "--plan", "-p", "--verbose", "-v", "--worktree"),
        once=("--json", "--acp", "--zen", "-z", "--update", "--kanban", "--help", "-h", "--version", "-V"),
        commands=(
            "auth",
            "config",
            "connect",
            "dashboard",
            "doctor",
            "history",
            "h",
            "hook",
            "hub",
            "kanban",
            "mcp",
            "plugin",
            "schedule",
            "skill",
            "update",
            "version",
        ),
    ),
    quit="/quit",
    resume_line=(f"cline --id {SESSION_ID}",),
    survives="the process `cline --cline-hub-daemon`, which serves all Cline agents of the user",
    variables={"CLINE_DIR": "~/.cline"},
    roots=("{CLINE_DIR}",),
    artifacts=(f"{{CLINE_DIR}}/data/sessions/{SESSION_ID}/{SESSION_ID}.messages.json",),
    opaque=True,
    screens_file="cline",
    tells_activity=True,
    box=BoxForm(
        mark="\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}",
        empty=("Ask anything...", "What can I do for you?"),
    ),
    permission=PermissionForm(
        opening=("Cline needs permission",), first=_CHOICES, last=_CHOICES, once=_CHOICES, approve="y", deny="n"
    ),
)
_MADE = profile_of(_FORM)
PROFILE = replace(
    _MADE,
    tokens="reconciler.agents.cline_tokens:TOKENS",
    storage=Storage(
        roots=_roots,
        variables=("CLINE_DIR", "CLINE_DATA_DIR", "CLINE_SESSION_DATA_DIR"),
        artifacts=_artifacts,
        belongs=lambda path: (glob.escape(os.path.dirname(path)),),
        stores=_stores,
        read_head=_read_head,
    ),
    transcript=Transcript(wrapped=_WRAPPED, opaque=True, read_document=_read_document),
    binding=Binding(
        notes=lambda subject, _pid: _stores(subject),
        users=lambda subject, conversation: (_in_folder(subject, conversation, ".json"),),
        read_note=_read_note,
    ),
)

"""Gemini CLI, as tested with versions 0.45.2 and 0.61.0.

We choose the id (`--session-id`). The chat file exists before the first prompt, under a slug of the folder's name. Its
own name contains only the minute and the first 8 characters of the id. A resume in a later minute makes a second file
with the same id, without a user message.
"""

from __future__ import annotations

from msgspec.structs import replace

from .declared import profile_of
from .form import BoxForm, HeadForm, HooksForm, MessagesForm, PermissionForm, TrustForm, TypeForm
from .hooks import Payload
from .jsonl import inner, text
from .launch import PROMPT, SESSION_ID
from .usage import ENDS, Usage

_CHATS = ("~/.gemini/tmp/{cwd_slug}/chats", "~/.gemini/tmp/{cwd_slug}-[0-9]*/chats")


def _request(payload: Payload) -> str:
    """What the CLI asks permission for; empty for a notification that is not a question."""
    if text(payload, "notification_type") != "ToolPermission":
        return ""
    details = inner(payload, "details")
    return f"{text(details, 'type')}:{text(details, 'command', 'title') or text(payload, 'message')}"


_FORM = TypeForm(
    name="gemini",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("0.45.2", "0.61.0"),
    command=("gemini",),
    new=("--session-id", SESSION_ID),
    resume=("--resume", SESSION_ID),
    prompt=("-i", PROMPT),
    goes_on_in_child=True,
    command_line=Usage(
        packages=("@google/gemini-cli",),
        resume=("--resume", "-r", "--session-id"),
        prompt=("--prompt-interactive", "-i"),
        switches=("--debug", "-d", "--screen-reader", "--skip-trust", "--yolo", "-y"),
        once=("--prompt", "-p", "--list-sessions", "--list-extensions", "-l", *ENDS),
        commands=("extension", "extensions", "gemma", "hooks", "mcp", "skill", "skills"),
    ),
    trust=TrustForm(args=("--skip-trust",), setting="security.folderTrust.enabled: false, in settings.json"),
    quit="/quit",
    resume_line=(f"gemini --resume {SESSION_ID}",),
    survives="the launcher and its child, when the session is killed while it is idle; SIGTERM ends them",
    roots=("~/.gemini",),
    # Under the folder's slug, or the slug with a number when another folder has the same one. The oldest file of an id
    # sorts first: it is the one that contains the turns.
    artifacts=tuple(f"{folder}/session-*-{{session_id8}}.jsonl" for folder in _CHATS),
    several_files=True,
    head=HeadForm(id=("sessionId",), cwd_digest={"sha256": "projectHash"}, started=("startTime",)),
    proof='"type":"user"',
    # A message is written again, with its id, as it grows.
    messages=MessagesForm(
        role="type",
        roles={"user": "user", "gemini": "assistant"},
        text="content",
        at="timestamp",
        id="id",
        rewrites=True,
    ),
    # From another folder, 0.61.0 prints `No previous sessions found for this project` and exits (tested in 2026).
    follows=False,
    fragile_resume="the start after a resume deletes the file that contains the turns (seen in 0.61.0); "
    "general.sessionRetention.enabled: false in settings.json keeps it",
    titles={"waiting": ("✋",), "busy": ("✦",), "idle": ("◇",)},
    screens_file="gemini",
    tells_activity=True,
    box=BoxForm(mark=">", empty=("Type your message or @path/to/file",)),
    permission=PermissionForm(
        first=("1. *",),
        last=tuple(f"{number}. No, suggest changes (esc)" for number in range(2, 6)),
        once=("1. Allow once",),
        approve="1",
    ),
    hooks=HooksForm(
        user="~/.gemini/settings.json",
        project=".gemini/settings.json",
        events={"BeforeAgent": "started", "Notification": "permission_required", "AfterAgent": "progress"},
        limit=10_000,
        reply="{}",
    ),
)
_MADE = profile_of(_FORM)
PROFILE = replace(
    _MADE,
    tokens="reconciler.agents.gemini_tokens:TOKENS",
    hooks=replace(_MADE.hooks, request=_request) if _MADE.hooks else None,
)

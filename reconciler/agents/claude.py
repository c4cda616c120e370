"""Claude Code, as tested with versions 2.1.156 to 2.1.332.

We choose the id (`--session-id`, a UUID). The transcript appears with the first prompt. A transcript without a user
message cannot be resumed, and in 2.1.197 its id cannot be used for a new start, either. While it runs, the CLI keeps
`sessions/<pid>.json` with its id and status, but only after its start dialogs are answered.
"""

from __future__ import annotations

import os.path
import re

from msgspec.structs import replace

from .declared import profile_of
from .form import BoxForm, HeadForm, HooksForm, MessagesForm, NotesForm, PermissionForm, TypeForm
from .jsonl import document, table, written
from .launch import SESSION_ID, Trust
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_PROJECTS = "{CLAUDE_CONFIG_DIR}/projects"


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


def _follows(version: str) -> bool | None:
    """From another folder, 2.1.197 prints `No conversation found` and exits; 2.1.330 opens it (tested in 2026)."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    number = tuple(map(int, found.groups())) if found else ()
    if not number or (2, 1, 197) < number < (2, 1, 330):
        return None
    return number >= (2, 1, 330)


_FORM = TypeForm(
    name="claude",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("2.1.156", "2.1.197", "2.1.330", "2.1.332"),
    command=("claude",),
    new=("--session-id", SESSION_ID),
    resume=("--resume", SESSION_ID),
    command_line=Usage(
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
    quit="/exit",
    resume_line=(f"claude --resume {SESSION_ID}",),
    id="uuid",
    variables={"CLAUDE_CONFIG_DIR": "~/.claude"},
    roots=("{CLAUDE_CONFIG_DIR}",),
    # The transcript under this folder first, then under any folder: the workspace may have moved.
    artifacts=(f"{_PROJECTS}/{{cwd_key}}/{SESSION_ID}.jsonl", f"{_PROJECTS}/*/{SESSION_ID}.jsonl"),
    stores=(f"{_PROJECTS}/{{cwd_key}}/{SESSION_ID}.jsonl",),
    # Folders can share a key, so only the `cwd` of a message names the folder.
    head=HeadForm(cwd=("cwd",), started=("timestamp",)),
    proof='"type":"user"',
    # 2.1.330 stores a paste that it shows collapsed in this form, 2.1.197 as plain text.
    wrapped='<pasted_content id="*">{prompt}</pasted_content*>',
    # Each part of an answer is a line, with the id of the message; what tools say counts as a user's, too.
    messages=MessagesForm(
        role="type",
        text="message.content",
        kinds=("text",),
        at="timestamp",
        id="message.id",
        without=("isSidechain", "isMeta"),
    ),
    notes=NotesForm(
        files=("{CLAUDE_CONFIG_DIR}/sessions/{pid}.json",),
        id=("sessionId",),
        pid=("pid",),
        started=("procStart",),
        status=("status",),
    ),
    titles={"busy": ("\u2801..\u28ff", "◐..◓")},  # a spinner: dots up to 2.1.197, a rotating circle in 2.1.330
    screens_file="claude",
    tells_activity=True,
    submit=("C-x", "C-s"),  # "send now"; 2.1.197 does not know these keys and ignores them
    paste_pause=0.1,  # 2.1.197 ignored Enter right behind a paste, and took it 0.05 s later
    box=BoxForm(mark="\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}", empty=('Try "*',)),
    permission=PermissionForm(first=("1. *",), last=("Esc to cancel*",), once=("1. Yes",), approve="1"),
    hooks=HooksForm(
        user="{CLAUDE_CONFIG_DIR}/settings.json",
        # The file that is not committed, because our command contains paths of this machine.
        project=".claude/settings.local.json",
        events={"UserPromptSubmit": "started", "PermissionRequest": "permission_required", "Stop": "progress"},
    ),
)
_MADE = profile_of(_FORM)
PROFILE = replace(
    _MADE,
    tokens="reconciler.agents.claude_tokens:TOKENS",
    trust=Trust(
        file=_settings,
        with_folder=_with_trust,
        setting="hasTrustDialogAccepted: true, under projects and the real path of the folder, in .claude.json",
    ),
    storage=replace(_MADE.storage, follows=_follows),
)

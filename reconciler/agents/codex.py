"""Codex, as tested with versions 0.144.5, 0.169.0 and 0.171.0.

The CLI chooses the id. Its rollout file appears with the first prompt, in the folder of the day on which it started in
local time, and stays there when it is resumed. Older files are compressed and archived ones moved; both still exist.

From its start on, a running CLI holds a lock named after the id. The lock file stays afterwards, so only a held lock
proves anything. After `/new`, the CLI keeps the lock of the last conversation for a minute, and for longer if that
conversation is empty. `/resume` makes a new lock file, so the newest held one is in use.
"""

from __future__ import annotations

import os.path

from msgspec.structs import replace

from .declared import profile_of
from .form import BoxForm, HeadForm, HooksForm, MessagesForm, PermissionForm, TrustForm, TypeForm
from .jsonl import inner, objects, text
from .launch import SESSION_ID
from .storage import StoredHead
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_ROLLOUT = f"rollout-*-{SESSION_ID}.jsonl"
# The hints in an empty input box: the first one, or in versions such as 0.144.5 one of the others.
_HINTS = (
    "Ask Codex to do anything",
    "Explain this codebase",
    "Find and fix a bug in @filename",
    "Implement {feature}",
    "Improve documentation in @filename",
    "Run /review on my current changes",
    "Summarize recent commits",
    "Use /skills to list available skills",
    "Write tests for @filename",
)
_OWN = ("<environment_context>", "<user_instructions>", "# AGENTS.md instructions", "<turn_aborted>")


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Codex's state for this agent."""
    return subject.env.get("CODEX_HOME") or os.path.join(subject.home, ".codex")


def _read_head(path: str, head: bytes) -> StoredHead | None:
    """Read the beginning of a rollout file. A compressed one shows only its id, which is in its name."""
    found = _MADE.storage.read_head(path, head)
    return found._replace(hidden=_is_hidden(head)) if found else None


def _is_hidden(head: bytes) -> bool:
    """True for runs of `codex exec` and of subagents, whose source is an object.

    Conversations of the background server have the source `vscode`, and are a user's.
    """
    meta = inner(next(objects(head), {}), "payload")
    source = meta.get("source", "")
    return source == "exec" or text(meta, "originator") == "codex_exec" or not isinstance(source, str)


_FORM = TypeForm(
    name="codex",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("0.144.5", "0.169.0", "0.171.0"),
    command=("codex",),
    # Without this switch, Codex starts a background server that outlives the pane and holds the conversation.
    # The pane's own processes would then not prove which conversation is in use.
    args_always=("--no-daemon",),
    since={"--no-daemon": "0.156.0"},  # 0.155.0 has neither the switch nor the server
    resume=("resume", SESSION_ID),
    goes_on_in_child=True,
    command_line=Usage(
        packages=("@openai/codex",),
        resume=("resume",),
        newest=("--last",),
        fork=("fork",),
        folder=("--cd", "-C"),
        switches=(
            "--dangerously-bypass-approvals-and-sandbox",
            "--full-auto",
            "--no-alt-screen",
            "--oss",
            "--search",
            "--yolo",
        ),
        once=ENDS,
        commands=(
            "app",
            "app-server",
            "apply",
            "cloud",
            "completion",
            "debug",
            "e",
            "exec",
            "exec-server",
            "features",
            "help",
            "login",
            "logout",
            "mcp",
            "mcp-server",
            "proto",
            "review",
            "sandbox",
            "update",
        ),
    ),
    trust=TrustForm(
        args=("-c", 'projects={"{cwd}"={trust_level="trusted"}}'),
        setting='trust_level = "trusted", under the folder\'s table in config.toml',
    ),
    quit="/quit",
    resume_line=(f"codex resume {SESSION_ID}",),
    survives="the background server (codex app-server), where it was started without --no-daemon",
    id="uuid",
    variables={"CODEX_HOME": "~/.codex"},
    roots=("{CODEX_HOME}",),
    # The folders are days, so these are the conversations of all workspaces.
    artifacts=tuple(
        f"{{CODEX_HOME}}/{folder}/{_ROLLOUT}{end}"
        for folder in ("sessions/*/*/*", "archived_sessions")
        for end in ("", ".zst")
    ),
    head=HeadForm(cwd=("payload.cwd",), started=("timestamp",)),
    # What the CLI itself tells the model stands among what the user said, and begins with a tag or a heading.
    messages=MessagesForm(
        role="payload.role",
        text="payload.content",
        kinds=("input_text", "output_text"),
        at="timestamp",
        id="payload.id",
        only={"type": "response_item", "payload.type": "message"},
        own=_OWN,
    ),
    # From another folder, 0.169.0 asks in which of the two to work, and loses nothing (tested in 2026).
    follows=True,
    held=(f"**/thread-writer-locks/{SESSION_ID}.lock", f"**/{_ROLLOUT}", f"**/{_ROLLOUT}.zst"),
    held_from_start=True,
    # An idle CLI shows the folder's name, which could be any text.
    titles={
        "waiting": ("[ ! ] Action Required", "[ . ] Action Required"),
        "busy": ("\u2801..\u28ff",),
    },
    screens_file="codex",
    tells_activity=True,
    submit=("Tab",),  # "queue", which sends at once when the CLI is idle
    paste_pause=0,  # it took Enter right behind a paste
    box=BoxForm(mark="\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", empty=_HINTS),
    permission=PermissionForm(
        opening=("Would you like to run the following command?",),
        first=("1. *",),
        last=tuple(f"{number}. No, and tell Codex*" for number in range(2, 6)),
        once=("1. Yes, proceed (y)",),
        approve="y",
    ),
    hooks=HooksForm(
        user="{CODEX_HOME}/hooks.json",
        project=".codex/hooks.json",
        events={"UserPromptSubmit": "started", "PermissionRequest": "permission_required", "Stop": "progress"},
        notice="Codex does not run a new hook until you trust it: at its next start, or with /hooks, "
        "it says `Hooks need review`. Prompts wait until then.",
        review="hooks review",
    ),
)
_MADE = profile_of(_FORM)
PROFILE = replace(
    _MADE,
    tokens="reconciler.agents.codex_tokens:TOKENS",
    storage=replace(_MADE.storage, read_head=_read_head),
)

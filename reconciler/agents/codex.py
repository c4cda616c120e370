"""Codex, as tested with versions 0.144.5, 0.169.0 and 0.171.0.

The CLI chooses the id. Its rollout file appears with the first prompt, in the folder of the day on which it started in
local time, and stays there when it is resumed. Older files are compressed and archived ones moved; both still exist.

From its start on, a running CLI holds a lock named after the id. The lock file stays afterwards, so only a held lock
proves anything. After `/new`, the CLI keeps the lock of the last conversation for a minute, and for longer if that
conversation is empty. `/resume` makes a new lock file, so the newest held one is in use.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from reconciler.model.activity import Activity
from reconciler.model.event_kind import EventKind

from .binding import Binding
from .box import InputBox
from .display import Display
from .hooks import Hooks
from .jsonl import inner, moment, objects, text
from .keys import UUID
from .launch import SESSION_ID, Launch, Shutdown, Trust
from .message import StoredMessage, texts
from .payload import tool_request
from .permission import PermissionPrompt
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_ROLLOUT = rf"rollout-[^/]*-({UUID})\.jsonl(?:\.zst)?"
_LOCK = rf".*/thread-writer-locks/({UUID})\.lock"
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
_HOOKS = {
    "UserPromptSubmit": EventKind.STARTED,
    "PermissionRequest": EventKind.PERMISSION_REQUIRED,
    "Stop": EventKind.PROGRESS,
}


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Codex's state for this agent."""
    return subject.env.get("CODEX_HOME") or os.path.join(subject.home, ".codex")


def _rollouts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    root, name = glob.escape(config_root(subject)), f"rollout-*-{conversation}.jsonl"
    folders = (os.path.join(root, "sessions", "*", "*", "*"), os.path.join(root, "archived_sessions"))
    return tuple(os.path.join(folder, name + end) for folder in folders for end in ("", ".zst"))


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    return _rollouts(subject, glob.escape(conversation))


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    """The conversations of all workspaces: the folders are days."""
    return _rollouts(subject, "*")


def _read_head(path: str, head: bytes) -> StoredHead | None:
    """Read the beginning of a rollout file. A compressed one shows only its id, which is in its name."""
    conversation = re.fullmatch(_ROLLOUT, os.path.basename(path))
    if conversation is None:
        return None
    first = next(objects(head), {})
    meta = inner(first, "payload")
    return StoredHead(
        id=conversation[1], cwd=text(meta, "cwd"), hidden=_is_hidden(meta), started=moment(first, "timestamp")
    )


def _is_hidden(meta: Mapping[str, Any]) -> bool:
    """True for runs of `codex exec` and of subagents, whose source is an object.

    Conversations of the background server have the source `vscode`, and are a user's.
    """
    source = meta.get("source", "")
    return source == "exec" or text(meta, "originator") == "codex_exec" or not isinstance(source, str)


def _held(path: str) -> str:
    found = re.fullmatch(_LOCK, path) or re.fullmatch(_ROLLOUT, os.path.basename(path))
    return found[1] if found else ""


def _activity(title: str) -> Activity:
    """Waiting or busy by the title. An idle CLI shows the folder's name, which could be any text."""
    if title.startswith(("[ ! ] Action Required", "[ . ] Action Required")):
        return Activity.WAITING
    return Activity.BUSY if "\u2801" <= title[:1] <= "\u28ff" else Activity.UNKNOWN


def _read_message(line: Mapping[str, Any]) -> StoredMessage | None:
    """What the CLI itself tells the model stands among what the user said, and begins with a tag or a heading."""
    payload = inner(line, "payload")
    role, said = text(payload, "role"), texts(payload.get("content"), frozenset({"input_text", "output_text"}))
    is_message = text(line, "type") == "response_item" and text(payload, "type") == "message"
    if not is_message or role not in {"user", "assistant"} or not said or (role == "user" and said.startswith(_OWN)):
        return None
    return StoredMessage(role, said, text(line, "timestamp"), text(payload, "id"))


PROFILE = Profile(
    name="codex",
    tested=("0.144.5", "0.169.0", "0.171.0"),
    tokens="reconciler.agents.codex_tokens:TOKENS",
    launch=Launch(
        command=("codex",),
        # Without this switch, Codex starts a background server that outlives the pane and holds the conversation.
        # The pane's own processes would then not prove which conversation is in use.
        args_always=("--no-daemon",),
        since=(("--no-daemon", "0.156.0"),),  # 0.155.0 has neither the switch nor the server
        resume=("resume", SESSION_ID),
        goes_on_in_child=True,
    ),
    usage=Usage(
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
    trust=Trust(
        args=("-c", 'projects={"{cwd}"={trust_level="trusted"}}'),
        setting='trust_level = "trusted", under the folder\'s table in config.toml',
    ),
    shutdown=Shutdown(
        quit="/quit",
        resume_line=rf"codex resume ({UUID})",
        survives_kill="the background server (codex app-server), where it was started without --no-daemon",
    ),
    storage=Storage(
        variables=("CODEX_HOME",),
        roots=lambda subject: (config_root(subject),),
        artifacts=_artifacts,
        stores=_stores,
        read_head=_read_head,
        # From another folder, 0.169.0 asks in which of the two to work, and loses nothing (tested in 2026).
        follows=lambda _version: True,
    ),
    binding=Binding(held=_held, held_from_start=True),
    transcript=Transcript(read_message=_read_message),
    display=Display(
        tells_activity=True,
        activity=_activity,
        rules=partial(rules, "codex"),
        submit=("Tab",),  # "queue", which sends at once when the CLI is idle
        box=InputBox("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", empty="|".join(map(re.escape, _HINTS))),
        permission=PermissionPrompt(
            opening=r"Would you like to run the following command\?",
            first=r"1\. .*",
            last=r"\d\. No, and tell Codex\b.*",
            once=r"1\. Yes, proceed \(y\)",
            approve="y",
        ),
    ),
    hooks=Hooks(
        user=lambda subject: os.path.join(config_root(subject), "hooks.json"),
        project=os.path.join(".codex", "hooks.json"),
        events=_HOOKS,
        limit=10,
        request=tool_request,
        notice="Codex does not run a new hook until you trust it: at its next start, or with /hooks, "
        "it says `Hooks need review`. Prompts wait until then.",
        review="hooks review",
    ),
)

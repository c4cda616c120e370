"""pi, as tested with versions 0.76.0 and 1.6.0.

We choose the id: `--session-id`, which 0.76.0 introduced, continues the conversation of this folder that has the id, or
begins it. The file appears with the first answer. Nothing on disk says which process has which conversation, so a
`/new` is not seen until the CLI ends: its last line then names the new conversation.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from .box import InputBox
from .display import Display
from .jsonl import inner, moment, objects, text
from .launch import PROMPT, SESSION_ID, Launch, Shutdown, Trust
from .message import StoredMessage, texts
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_TEXT = frozenset({"text"})
_SEPARATORS = re.compile(r"[/\\:]")


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds pi's settings for this agent and, unless another one is named, its conversations."""
    return _folder(subject, "PI_CODING_AGENT_DIR") or os.path.join(subject.home, ".pi", "agent")


def stored_at(subject: AgentEnvironment, folder: str, name: str) -> str:
    """A glob pattern for conversations of a workspace, by the name of its folder; a folder of their own has no others.

    `folder` is a pattern, too. The setting `sessionDir` is not read.
    """
    own = _folder(subject, "PI_CODING_AGENT_SESSION_DIR")
    if own:
        return os.path.join(glob.escape(own), name)
    return os.path.join(glob.escape(config_root(subject)), "sessions", folder, name)


def _folder(subject: AgentEnvironment, variable: str) -> str:
    """The folder that a variable names, from the agent's folder; empty when it is not set."""
    named = subject.env.get(variable, "")
    if named == "~" or named.startswith("~/"):
        named = subject.home + named[1:]
    return os.path.join(subject.cwd, named) if named else ""


def _key(path: str) -> str:
    """The folder name for a real path, as pi makes it; different paths may share one."""
    return f"--{_SEPARATORS.sub('-', path.removeprefix('/'))}--"


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    """The file under this folder first, then under any folder: the workspace may have moved."""
    name = f"*_{glob.escape(conversation)}.jsonl"
    places = (stored_at(subject, folder, name) for folder in (glob.escape(_key(subject.cwd)), "*"))
    return tuple(dict.fromkeys(places))


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    return (stored_at(subject, glob.escape(_key(subject.cwd)), "*.jsonl"),)


def _roots(subject: AgentEnvironment) -> tuple[str, ...]:
    return tuple(filter(None, (config_root(subject), _folder(subject, "PI_CODING_AGENT_SESSION_DIR"))))


def _read_head(_path: str, head: bytes) -> StoredHead | None:
    first = next(objects(head), {})
    conversation = text(first, "id")
    if text(first, "type") != "session" or not conversation:
        return None
    return StoredHead(conversation, text(first, "cwd"), started=moment(first, "timestamp"))


def _read_message(line: Mapping[str, Any]) -> StoredMessage | None:
    """What was said, without thoughts and tools."""
    message = inner(line, "message")
    role, said = text(message, "role"), texts(message.get("content"), _TEXT)
    known = role in {"user", "assistant"} and said
    return StoredMessage(role, said, text(line, "timestamp"), text(line, "id")) if known else None


PROFILE = Profile(
    name="pi",
    tested=("0.76.0", "1.6.0"),
    tokens="reconciler.agents.pi_tokens:TOKENS",
    launch=Launch(
        command=("pi",),
        new=("--session-id", SESSION_ID),
        resume=("--session", SESSION_ID),
        # A word that begins with a dash would be an option, and one that begins with @ a file.
        prompt=(f" {PROMPT}",),
        since=(("--approve", "0.79.0"),),
    ),
    usage=Usage(
        packages=("@earendil-works/pi-coding-agent", "@mariozechner/pi-coding-agent"),
        resume=("--session", "--session-id"),
        newest=("--continue", "-c", "--resume", "-r"),
        fork=("--fork",),
        switches=(
            "--approve",
            "-a",
            "--no-approve",
            "-na",
            "--no-builtin-tools",
            "-nbt",
            "--no-context-files",
            "-nc",
            "--no-extensions",
            "-ne",
            "--no-mcp",
            "--no-prompt-templates",
            "-np",
            "--no-session",
            "--no-skills",
            "-ns",
            "--no-themes",
            "--no-tools",
            "-nt",
            "--offline",
            "--verbose",
        ),
        once=("--print", "-p", "--mode", "--export", "--list-models", *ENDS),
        commands=("auth", "config", "install", "list", "mcp", "remove", "uninstall", "update"),
    ),
    trust=Trust(args=("--approve",), setting='defaultProjectTrust: "always" in settings.json, or its first answer'),
    shutdown=Shutdown(quit="/quit", resume_line=r"pi (?:--session-dir .+ )?--session (\S+)"),
    storage=Storage(
        roots=_roots,
        variables=("PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR"),
        artifacts=_artifacts,
        stores=_stores,
        read_head=_read_head,
        # From another folder, it asks whether to fork the conversation (tested with 0.76.0 and 1.6.0).
        follows=lambda _version: False,
    ),
    transcript=Transcript(read_message=_read_message),
    display=Display(
        tells_activity=True,
        rules=partial(rules, "pi"),
        submit=("M-Enter",),  # "follow up", which sends at once when the CLI is idle; no dialog of it knows the key
        # At work, since 0.85.0, the upper line tells so; either one may tell how much text is further up or down.
        box=InputBox("", frame="─+|─+ .* ─+"),
    ),
)

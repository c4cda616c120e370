"""pi, as tested with versions 0.76.0 and 1.6.0.

We choose the id: `--session-id`, which 0.76.0 introduced, continues the conversation of this folder that has the id, or
begins it. The file appears with the first answer. Nothing on disk says which process has which conversation, so a
`/new` is not seen until the CLI ends: its last line then names the new conversation.
"""

from __future__ import annotations

import glob
import os.path
import re

from msgspec.structs import replace

from .declared import profile_of
from .form import BoxForm, HeadForm, MessagesForm, TrustForm, TypeForm
from .jsonl import moment, objects, text
from .launch import PROMPT, SESSION_ID
from .storage import StoredHead
from .subject import AgentEnvironment
from .usage import ENDS, Usage

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


_FORM = TypeForm(
    name="pi",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("0.76.0", "1.6.0"),
    command=("pi",),
    new=("--session-id", SESSION_ID),
    resume=("--session", SESSION_ID),
    # A word that begins with a dash would be an option, and one that begins with @ a file.
    prompt=(f" {PROMPT}",),
    since={"--approve": "0.79.0"},
    command_line=Usage(
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
    trust=TrustForm(args=("--approve",), setting='defaultProjectTrust: "always" in settings.json, or its first answer'),
    variables={
        "PI_CODING_AGENT_DIR": "~/.pi/agent",
        "PI_CODING_AGENT_SESSION_DIR": "{PI_CODING_AGENT_DIR}/sessions/--{cwd_dashes}--",
    },
    roots=("{PI_CODING_AGENT_DIR}", "{PI_CODING_AGENT_SESSION_DIR}"),
    # The file under this folder first, then under any folder: the workspace may have moved.
    artifacts=(
        f"{{PI_CODING_AGENT_SESSION_DIR}}/*_{SESSION_ID}.jsonl",
        f"{{PI_CODING_AGENT_DIR}}/sessions/*/*_{SESSION_ID}.jsonl",
    ),
    stores=(f"{{PI_CODING_AGENT_SESSION_DIR}}/*_{SESSION_ID}.jsonl",),
    head=HeadForm(cwd=("cwd",), started=("timestamp",)),
    # What was said, without thoughts and tools.
    messages=MessagesForm(role="message.role", text="message.content", kinds=("text",), at="timestamp", id="id"),
    # From another folder, it asks whether to fork the conversation (tested with 0.76.0 and 1.6.0).
    follows=False,
    quit="/quit",
    resume_line=(f"pi --session {SESSION_ID}", f"pi --session-dir * --session {SESSION_ID}"),
    screens_file="pi",
    tells_activity=True,
    submit=("M-Enter",),  # "follow up", which sends at once when the CLI is idle; no dialog of it knows the key
    # At work, since 0.85.0, the upper line tells so; either one may tell how much text is further up or down.
    box=BoxForm(frame=("─*─",)),
)
_MADE = profile_of(_FORM)
PROFILE = replace(
    _MADE,
    tokens="reconciler.agents.pi_tokens:TOKENS",
    # A folder of its own for conversations holds no others, and `~` in its name is the home folder.
    storage=replace(_MADE.storage, roots=_roots, artifacts=_artifacts, stores=_stores, read_head=_read_head),
)

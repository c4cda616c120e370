"""Cursor's CLI (`cursor-agent`), from its documentation and its users' threads. We have not run it.

The CLI chooses the id. A conversation is a folder with a database, below a folder that is named after the MD5 of the
workspace's path.
"""

from __future__ import annotations

import glob
import hashlib
import os.path
import re
from functools import partial

from .binding import Binding
from .display import Display
from .keys import UUID
from .launch import SESSION_ID, Launch, Shutdown, Trust
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_STORE = rf".*/chats/[^/]+/({UUID})/store\.db(?:-wal|-shm)?"


def config_root(subject: AgentEnvironment) -> str:
    """The folder that holds Cursor's state for this agent."""
    return subject.env.get("CURSOR_CONFIG_DIR") or os.path.join(subject.home, ".cursor")


def _chats(subject: AgentEnvironment, folder: str, conversation: str) -> str:
    return os.path.join(glob.escape(config_root(subject)), "chats", folder, conversation, "store.db")


def _key(path: str) -> str:
    return hashlib.md5(path.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    """The chat under this folder first, then under any folder: the workspace may have moved."""
    wanted = glob.escape(conversation)
    return (_chats(subject, _key(subject.cwd), wanted), _chats(subject, "*", wanted))


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    return (_chats(subject, _key(subject.cwd), "*"),)


def _read_head(path: str, _head: bytes) -> StoredHead | None:
    conversation, folder = _held(path), path.split("/")[-3:-2]
    return StoredHead(conversation, cwd_digest=f"md5:{folder[0]}") if conversation else None


def _belongs(path: str) -> tuple[str, ...]:
    """The folder of the conversation, with everything in it."""
    return (glob.escape(os.path.dirname(path)),)


def _held(path: str) -> str:
    found = re.fullmatch(_STORE, path)
    return found[1] if found else ""


PROFILE = Profile(
    name="cursor-agent",
    launch=Launch(command=("cursor-agent",), resume=("--resume", SESSION_ID)),
    usage=Usage(
        resume=("--resume",),
        newest=("--continue", "resume"),
        folder=("--workspace",),
        switches=("--approve-mcps", "--force", "-f", "--trust", "--yolo"),
        once=("--print", "-p", *ENDS),
        commands=(
            "about",
            "acp",
            "create-chat",
            "generate-rule",
            "install-shell-integration",
            "login",
            "logout",
            "ls",
            "mcp",
            "models",
            "rule",
            "status",
            "uninstall-shell-integration",
            "update",
            "whoami",
            "worker",
        ),
    ),
    trust=Trust(args=("--trust",)),
    shutdown=Shutdown(quit="/quit", resume_line=rf"cursor-agent --resume[= ]({UUID})"),
    storage=Storage(
        variables=("CURSOR_CONFIG_DIR",),
        roots=lambda subject: (config_root(subject),),
        artifacts=_artifacts,
        belongs=_belongs,
        stores=_stores,
        read_head=_read_head,
    ),
    transcript=Transcript(opaque=True),
    binding=Binding(held=_held),
    display=Display(rules=partial(rules, "cursor-agent")),
)

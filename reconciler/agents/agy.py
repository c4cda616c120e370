"""Antigravity CLI (`agy`), from its documentation and its users' threads. We have not run it.

The rules for its screens come from captures of 1.0.0 to 1.3.1 in google-antigravity/antigravity-cli#98,
agent-of-empires/agent-of-empires#1349, herdrdev/herdr#3871, kunchenguid/firstmate#1467, stablyai/orca#21110. It counts
as idle only with an empty input box and its own footer below; later builds may show neither.

The CLI chooses the id. A conversation is one SQLite file, which a running CLI has open together with its write-ahead
log. `cache/last_conversations.json` has one id per folder. It is not used, because it cannot tell two agents in one
folder apart, and neither can "the newest file".
"""

from __future__ import annotations

import glob
import os.path
import re
from functools import partial

from .binding import Binding
from .display import Display
from .keys import UUID, is_uuid
from .launch import PROMPT, SESSION_ID, Launch, Shutdown
from .profile import Profile
from .screen import rules
from .storage import Storage, StoredHead, Transcript
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_DATABASE = rf".*/conversations/({UUID})\.db(?:-wal|-shm)?"


def data_root(subject: AgentEnvironment) -> str:
    """The folder that holds agy's data for this agent. No documented variable moves it."""
    return os.path.join(subject.home, ".gemini", "antigravity-cli")


def _artifacts(subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
    return (os.path.join(glob.escape(data_root(subject)), "conversations", f"{glob.escape(conversation)}.db"),)


def _stores(subject: AgentEnvironment) -> tuple[str, ...]:
    """The conversations of all workspaces: agy does not sort them."""
    return (os.path.join(glob.escape(data_root(subject)), "conversations", "*.db"),)


def _read_head(path: str, _head: bytes) -> StoredHead | None:
    conversation = os.path.basename(path).removesuffix(".db")
    return StoredHead(conversation) if is_uuid(conversation) else None


def _belongs(path: str) -> tuple[str, ...]:
    """The files that SQLite keeps beside its database."""
    return (glob.escape(f"{path}-wal"), glob.escape(f"{path}-shm"))


def _held(path: str) -> str:
    found = re.fullmatch(_DATABASE, path)
    return found[1] if found else ""


PROFILE = Profile(
    name="agy",
    launch=Launch(command=("agy",), resume=("--conversation", SESSION_ID), prompt=("-i", PROMPT)),
    usage=Usage(
        resume=("--conversation",),
        newest=("--continue", "-c"),
        prompt=("--prompt-interactive", "-i"),
        switches=("--dangerously-skip-permissions", "--sandbox"),
        once=("--print", "--prompt", "-p", *ENDS),
        commands=("changelog", "help", "install", "models", "plugin", "plugins", "update"),
    ),
    shutdown=Shutdown(quit="/quit", resume_line=rf"agy --conversation ({UUID})"),
    storage=Storage(
        roots=lambda subject: (data_root(subject),),
        artifacts=_artifacts,
        belongs=_belongs,
        stores=_stores,
        read_head=_read_head,
    ),
    transcript=Transcript(opaque=True),
    binding=Binding(held=_held),
    display=Display(tells_activity=True, rules=partial(rules, "agy")),
)

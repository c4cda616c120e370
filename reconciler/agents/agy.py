"""Antigravity CLI (`agy`), from its documentation and its users' threads. We have not run it.

The rules for its screens come from captures of 1.0.0 to 1.3.1 in google-antigravity/antigravity-cli#98,
agent-of-empires/agent-of-empires#1349, herdrdev/herdr#3871, kunchenguid/firstmate#1467, stablyai/orca#21110. It counts
as idle only with an empty input box and its own footer below; later builds may show neither.

The CLI chooses the id. A conversation is one SQLite file, which a running CLI has open together with its write-ahead
log. `cache/last_conversations.json` has one id per folder. It is not used, because it cannot tell two agents in one
folder apart, and neither can "the newest file".
"""

from __future__ import annotations

from .declared import profile_of
from .form import TypeForm
from .launch import PROMPT, SESSION_ID
from .usage import ENDS, Usage

_ROOT = "~/.gemini/antigravity-cli"  # no documented variable moves it
_DATABASE = f"{_ROOT}/conversations/{SESSION_ID}.db"

PROFILE = profile_of(
    TypeForm(
        name="agy",
        source="its documentation, and captures that its users published; it was not run",
        command=("agy",),
        resume=("--conversation", SESSION_ID),
        prompt=("-i", PROMPT),
        command_line=Usage(
            resume=("--conversation",),
            newest=("--continue", "-c"),
            prompt=("--prompt-interactive", "-i"),
            switches=("--dangerously-skip-permissions", "--sandbox"),
            once=("--print", "--prompt", "-p", *ENDS),
            commands=("changelog", "help", "install", "models", "plugin", "plugins", "update"),
        ),
        quit="/quit",
        resume_line=(f"agy --conversation {SESSION_ID}",),
        id="uuid",
        roots=(_ROOT,),
        artifacts=(_DATABASE,),
        belongs=("{artifact}-wal", "{artifact}-shm"),  # the files that SQLite keeps beside its database
        opaque=True,
        held=tuple(f"**/conversations/{SESSION_ID}.db{end}" for end in ("", "-wal", "-shm")),
        screens_file="agy",
        tells_activity=True,
    )
)

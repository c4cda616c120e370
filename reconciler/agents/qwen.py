"""Qwen Code, as tested with versions 0.15.10 and 0.24.4.

We choose the id (`--session-id`). The chat file appears with the first prompt. Two notes about the process exist
before that: `sessions/<pid>.json`, and `<id>.runtime.json` in the folder of the chat file.
"""

from __future__ import annotations

from msgspec.structs import replace

from .declared import profile_of
from .form import BoxForm, HeadForm, MessagesForm, NotesForm, PermissionForm, TypeForm
from .launch import PROMPT, SESSION_ID
from .usage import ENDS, Usage

_PROJECTS = "~/.qwen/projects"
_CHATS = f"{_PROJECTS}/{{cwd_key}}/chats"
_NOTES = "~/.qwen/sessions/{pid}.json"

_FORM = TypeForm(
    name="qwen",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("0.15.10", "0.24.4"),
    command=("qwen",),
    new=("--session-id", SESSION_ID),
    resume=("--resume", SESSION_ID),
    prompt=("-i", PROMPT),
    command_line=Usage(
        packages=("@qwen-code/qwen-code",),
        resume=("--resume", "-r", "--session-id"),
        newest=("--continue", "-c"),
        prompt=("--prompt-interactive", "-i"),
        switches=("--debug", "-d", "--screen-reader", "--yolo", "-y"),
        once=("--prompt", "-p", "--list-extensions", "-l", *ENDS),
        commands=("auth", "channel", "extensions", "hooks", "mcp"),
    ),
    quit="/quit",
    resume_line=(f"qwen --resume {SESSION_ID}",),
    id="uuid",
    roots=("~/.qwen",),
    # The chat under this folder first, then under any folder: the workspace may have moved.
    artifacts=(f"{_CHATS}/{SESSION_ID}.jsonl", f"{_PROJECTS}/*/chats/{SESSION_ID}.jsonl"),
    stores=(f"{_CHATS}/{SESSION_ID}.jsonl",),
    belongs=("{stem}.runtime.json",),
    head=HeadForm(cwd=("cwd",), started=("timestamp",)),
    # The pid is the name of the note, or in it.
    notes=NotesForm(
        files=(_NOTES, f"{_CHATS}/*.runtime.json"),
        users=(_NOTES,),
        id=("session_id", "sessionId"),
        pid=("pid",),
    ),
    messages=MessagesForm(role="type", text="message.parts", at="timestamp"),
    # The mark in the title, `✳︎ Qwen - <folder>`; 0.15.10 shows no marks, so the rest is unknown.
    titles={"waiting": ("✳",), "busy": ("◐..◓",)},
    screens_file="qwen",
    tells_activity=True,
    submit=("C-q",),  # "queue", which sends at once when the CLI is idle
    paste_pause=0,  # it took Enter right behind a paste
    box=BoxForm(mark=">", empty=("Type your message or @path/to/file",)),
    permission=PermissionForm(
        first=("1. *",),
        last=tuple(f"{number}. No{more}" for number in range(2, 6) for more in ("", ",*", " *")),
        once=("1. Yes, allow once",),
        approve="Enter",
        mark="\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    ),
)
PROFILE = replace(profile_of(_FORM), tokens="reconciler.agents.qwen_tokens:TOKENS")

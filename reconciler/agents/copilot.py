"""GitHub Copilot CLI, as tested with versions 1.0.68 and 1.0.102.

We choose the id (`--session-id`, which resumes an existing conversation). Each conversation has a folder from its
start on; the file of its events appears with the first prompt. A running CLI keeps `inuse.<pid>.lock` in the folder.
"""

from __future__ import annotations

from msgspec.structs import replace

from .declared import profile_of
from .form import BoxForm, HeadForm, MessagesForm, NotesForm, PermissionForm, TrustForm, TypeForm
from .launch import PROMPT, SESSION_ID
from .usage import ENDS, Usage

_MARK = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
_FOLDER = f"~/.copilot/session-state/{SESSION_ID}"

_FORM = TypeForm(
    name="copilot",
    source="runs of the CLI in tmux, and the files that it wrote",
    tested=("1.0.68", "1.0.102"),
    command=("copilot",),
    new=("--session-id", SESSION_ID),
    resume=(f"--resume={SESSION_ID}",),
    prompt=("-i", PROMPT),
    command_line=Usage(
        packages=("@github/copilot",),
        resume=("--resume", "-r", "--session-id"),
        newest=("--continue",),
        prompt=("--interactive", "-i"),
        switches=(
            "--allow-all",
            "--allow-all-paths",
            "--allow-all-tools",
            "--allow-all-urls",
            "--banner",
            "--no-color",
            "--yolo",
        ),
        once=("--prompt", "-p", "--acp", *ENDS),
        commands=("help", "init", "login", "mcp", "plugin", "update", "version"),
    ),
    trust=TrustForm(
        file="~/.copilot/config.json",
        list="trusted_folders",
        setting="trusted_folders in config.json, or the second answer; a plain Yes asks again at every start",
    ),
    quit="/exit",
    resume_line=(f"copilot --resume={SESSION_ID}",),
    roots=("~/.copilot",),
    artifacts=(f"{_FOLDER}/events.jsonl",),
    belongs=("{folder}",),  # the folder of the conversation, with everything in it
    head=HeadForm(id=("data.sessionId",), cwd=("data.context.cwd",), started=("timestamp",)),
    notes=NotesForm(files=(f"{_FOLDER}/inuse.{{pid}}.lock",)),
    messages=MessagesForm(
        role="type",
        roles={"user.message": "user", "assistant.message": "assistant"},
        text="data.content",
        at="timestamp",
    ),
    screens_file="copilot",
    tells_activity=True,
    submit=("C-q",),  # "queue", which sends at once when the CLI is idle
    paste_pause=0,  # it took Enter right behind a paste
    box=BoxForm(mark=_MARK),
    permission=PermissionForm(
        first=("1. *",),
        last=tuple(f"{number}. No, and tell Copilot*" for number in range(2, 6)),
        once=("1. Yes",),
        approve="Enter",
        mark=_MARK,
    ),
)
PROFILE = replace(profile_of(_FORM), tokens="reconciler.agents.copilot_tokens:TOKENS")

"""GitHub Copilot CLI, as seen in version 1.0.102.

We choose the id (`--session-id`, which resumes where it exists). Each conversation has a folder,
from the start on; the events in it appear with the first prompt. A running CLI keeps
`inuse.<pid>.lock` in the folder of its conversation.
"""

from __future__ import annotations

import glob
import os.path
import re
from functools import partial

from reconciler.model.snapshot import LiveAgent

from .box import InputBox
from .jsonl import document, inner, moment, objects, text, written
from .permission import PermissionPrompt
from .profile import PROMPT, SESSION_ID, LiveNote, Profile, StoredHead, Subject
from .screen import questions, read_screen, works


def config_root(subject: Subject) -> str:
    """The folder that holds Copilot's state for this agent."""
    return os.path.join(subject.home, ".copilot")


def _sessions(subject: Subject, *below: str) -> str:
    return os.path.join(glob.escape(config_root(subject)), "session-state", *below)


def _artifacts(subject: Subject, conversation: str) -> tuple[str, ...]:
    return (_sessions(subject, glob.escape(conversation), "events.jsonl"),)


def _stores(subject: Subject) -> tuple[str, ...]:
    """Of all workspaces: the folders are ids."""
    return (_sessions(subject, "*", "events.jsonl"),)


def _read_head(path: str, head: bytes) -> StoredHead | None:
    first = next(objects(head), {})
    start = inner(first, "data")
    conversation = text(start, "sessionId") or os.path.basename(os.path.dirname(path))
    return StoredHead(conversation, text(inner(start, "context"), "cwd"), started=moment(first, "timestamp"))


def _belongs(path: str) -> tuple[str, ...]:
    """The folder of the conversation, with all that is in it."""
    return (glob.escape(os.path.dirname(path)),)


def _notes(subject: Subject, pid: int) -> tuple[str, ...]:
    return (_sessions(subject, "*", f"inuse.{pid}.lock"),)


def _read_note(path: str, _data: bytes) -> LiveNote | None:
    found = re.fullmatch(r".*/([^/]+)/inuse\.(\d+)\.lock", path)
    return LiveNote(LiveAgent(conversation=found[1]), pid=int(found[2])) if found else None


def _with_trust(content: bytes, folder: str) -> bytes:
    settings = document(content)
    trusted = settings.setdefault("trusted_folders", [])
    if not isinstance(trusted, list):
        raise ValueError("trusted_folders is no list")
    if folder in trusted:
        return content
    trusted.append(folder)
    return written(settings)


PROFILE = Profile(
    name="copilot",
    command=("copilot",),
    new=("--session-id", SESSION_ID),
    resume=(f"--resume={SESSION_ID}",),
    prompt=("-i", PROMPT),
    trust_file=lambda subject: os.path.join(config_root(subject), "config.json"),
    with_trust=_with_trust,
    trust_setting="trusted_folders in config.json, or the second answer; a plain Yes asks again at every start",
    quit="/exit",
    resume_line=r"copilot --resume=(\S+)",
    roots=lambda subject: (config_root(subject),),
    has_artifacts=True,
    artifacts=_artifacts,
    belongs=_belongs,
    stores=_stores,
    read_head=_read_head,
    notes=_notes,
    users=lambda subject, conversation: (_sessions(subject, glob.escape(conversation), "inuse.*.lock"),),
    read_note=_read_note,
    tells_activity=True,
    screen=partial(read_screen, "copilot"),
    submit=("C-q",),  # "queue", which sends at once when nothing runs
    box=InputBox("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"),
    questions=partial(questions, "copilot"),
    works=partial(works, "copilot"),
    permission=PermissionPrompt(
        first=r"1\. .*",
        last=r"\d\. No, and tell Copilot\b.*",
        once=r"1\. Yes",
        approve="Enter",
        mark="\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}",
    ),
)

"""Claude Code, as seen in versions 2.1.197 and 2.1.330.

We choose the id (`--session-id`, a UUID). The transcript appears with the first prompt. A
transcript without a user message can be neither resumed nor, in 2.1.197, started again under the
same id. While it runs, the CLI keeps `sessions/<pid>.json` with its id and status.
"""

from __future__ import annotations

import glob
import json
import os.path

from reconciler.model.snapshot import Activity, LiveAgent

from .profile import SESSION_ID, LiveNote, Profile, Subject

_KEY_LIMIT = 200
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_STATUS = {"idle": Activity.IDLE, "busy": Activity.BUSY, "waiting": Activity.WAITING}


def config_root(subject: Subject) -> str:
    """The folder that holds Claude's state for this agent."""
    return subject.env.get("CLAUDE_CONFIG_DIR") or os.path.join(subject.home, ".claude")


def project_key(path: str) -> str:
    """The folder name under `projects/` for a real path; different paths may share one.

    Every UTF-16 unit outside [A-Za-z0-9] becomes a dash; a key over 200 characters is cut and
    gets a hash of the path.
    """
    data = path.encode("utf-16-le")
    units = [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]
    key = "".join(chr(unit) if unit < 128 and chr(unit).isalnum() else "-" for unit in units)
    if len(key) <= _KEY_LIMIT:
        return key
    return f"{key[:_KEY_LIMIT]}-{_base36(abs(_hash(units)))}"


def _hash(units: list[int]) -> int:
    value = 0
    for unit in units:
        value = ((value << 5) - value + unit) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"


def _artifacts(subject: Subject, conversation: str) -> tuple[str, ...]:
    """The transcript of this folder first, then of any folder: a workspace may have moved."""
    projects = os.path.join(glob.escape(config_root(subject)), "projects")
    name = f"{glob.escape(conversation)}.jsonl"
    return (os.path.join(projects, project_key(subject.cwd), name), os.path.join(projects, "*", name))


def _note(subject: Subject, pid: int) -> str:
    return os.path.join(config_root(subject), "sessions", f"{pid}.json")


def _read_note(data: bytes) -> LiveNote | None:
    try:
        note = json.loads(data)
        status, started = note.get("status"), note.get("procStart")
        agent = LiveAgent(_STATUS.get(status, Activity.UNKNOWN), str(note.get("sessionId") or ""))
        return LiveNote(agent, int(started) if started else None)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def _activity(title: str) -> Activity:
    """Busy when the title starts with a spinner; 2.1.330 no longer shows one, so the rest is unknown."""
    spinning = title[:1] and 0x2800 <= ord(title[0]) <= 0x28FF
    return Activity.BUSY if spinning else Activity.UNKNOWN


PROFILE = Profile(
    name="claude",
    command=("claude",),
    new=("--session-id", SESSION_ID),
    resume=("--resume", SESSION_ID),
    quit="/exit",
    proof=b'"type":"user"',
    tells_activity=True,
    has_artifacts=True,
    artifacts=_artifacts,
    note=_note,
    read_note=_read_note,
    activity=_activity,
)

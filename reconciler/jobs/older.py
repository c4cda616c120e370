"""Read job records that the original scripts wrote: today's keys, and what had to be assumed. Pure."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct, to_builtins

from reconciler.agents.catalogue import DEFAULT
from reconciler.broker.clients.connection import REFERENCES, VARIABLES
from reconciler.model.adoption import Assumption, OlderShape
from reconciler.model.diagnostic import Place
from reconciler.model.harmless import one_line
from reconciler.model.job import AUTH_TOKEN, Ending, Job, JobStatus, topic_of
from reconciler.model.moment import read as moment_of
from reconciler.model.moment import to_millisecond

from .content import OPTIONAL, REQUIRED, RecordMistake, mistake_of

_TIMEOUT, _IDLE_TIMEOUT = 3600, 120  # the defaults of the scripts
_LONG_ENOUGH = re.compile(r"[!-~]{22,}")  # a token in another form needs 128 bits, which are 22 characters of base64
_MILLISECONDS = 1e11  # larger numbers are milliseconds, smaller ones seconds
_SHORT = 60
NOTHING = "nothing"
"""What an `Assumption` says was found when the key is missing."""
_PATHS = ("ca_certs", "certfile", "keyfile", "password_file")
_SETTINGS = (*VARIABLES, *REFERENCES)
_OURS_ALONE = tuple(key for key in OPTIONAL if key not in {"status", "broker", "result"})
_TOPIC = re.compile(r"[^#+\x00]{1,512}")

STATUS_WORDS: Mapping[str, JobStatus] = MappingProxyType(
    {
        **{status.value: status for status in JobStatus},
        **dict.fromkeys(("registered", "created", "submitted", "queued", "new"), JobStatus.PENDING),
        **dict.fromkeys(("sent", "delegated"), JobStatus.DELIVERED),
        **dict.fromkeys(("started", "progress", "in_progress", "working", "permission_required"), JobStatus.RUNNING),
        **dict.fromkeys(("complete", "done", "finished", "success", "succeeded"), JobStatus.COMPLETED),
        **dict.fromkeys(("failed", "failure"), JobStatus.ERROR),
        **dict.fromkeys(("timeout", "timedout", "idle_timeout", "expired"), JobStatus.TIMED_OUT),
        **dict.fromkeys(("canceled", "aborted"), JobStatus.CANCELLED),
    }
)
"""What each status of the scripts means, in lower case. A job with any other status is open."""
_ENDINGS = {
    JobStatus.COMPLETED: Ending.COMPLETED,
    JobStatus.ERROR: Ending.ERROR,
    JobStatus.TIMED_OUT: Ending.TIMEOUT,
    JobStatus.CANCELLED: Ending.CANCELLED,
}


class RecordFile(Struct, frozen=True):
    """The facts about a record's file that complete its content."""

    job_id: str
    path: str
    workdir: str
    """The project's folder."""
    changed: float
    """Modification time in Unix seconds."""


class ConvertedRecord(Struct, frozen=True):
    """An older record with today's keys, as `job_of` reads them. Do not use the content if there are mistakes."""

    content: Mapping[str, Any]
    assumptions: tuple[Assumption, ...] = ()
    mistakes: tuple[RecordMistake, ...] = ()


def is_older(content: Mapping[str, Any]) -> bool:
    """Whether another program wrote the record: it has `job_id`, or lacks a key that reconciler always writes."""
    return "job_id" in content or any(name not in content for name in REQUIRED)


def modernized(file: RecordFile, content: Mapping[str, Any], place: Callable[[str], Place]) -> ConvertedRecord:
    """Translate an older record, key by key; `place` finds a key in the file.

    A key that is missing, or that another tool uses for something else, is assumed. A value without a sensible meaning
    is a mistake.
    """
    if not content.keys() & {"job_id", "id", "prompt"}:
        return ConvertedRecord(
            {}, mistakes=(RecordMistake("", "it is not a job record: it has no `job_id` and no `prompt`"),)
        )
    draft = _Draft(file=file, content=content, place=place)
    for read in (_identity, _words, _limits, _moments, _token, _status, _broker, _rest):
        read(draft)
    return ConvertedRecord(draft.known, tuple(draft.assumptions), tuple(draft.mistakes))


def with_changes(content: Mapping[str, Any], before: Job, after: Job) -> dict[str, Any]:
    """The record with the changes, and with the values that were assumed from the file's time: writing changes that."""
    was, now = to_builtins(before), to_builtins(after)
    changed = {key: value for key, value in now.items() if value != was[key] or key == "updated_at"}
    kept = {} if content.get("created_at") else {"created_at": now["created_at"]}
    if now["result"] and not isinstance(content.get("result"), dict):
        kept["result"] = now["result"]
    named = {} if "job_id" in content or "id" in content else {"job_id": after.id}
    return {**content, **named, **kept, **changed}


def plain_login(broker: Mapping[str, Any], place: Callable[[str], Place]) -> tuple[Assumption, ...]:
    """A note that the broker block has a password in plain text; empty when it has none."""
    name = "broker.password"
    if not broker.get("password"):
        return ()
    return (Assumption(OlderShape.PLAIN_LOGIN, name, "a password in plain text", "the broker's password", place(name)),)


@dataclass(slots=True)
class _Draft:
    """The record as far as it has been read, and what was found so far."""

    file: RecordFile
    content: Mapping[str, Any]
    place: Callable[[str], Place]
    known: dict[str, Any] = field(default_factory=dict)
    assumptions: list[Assumption] = field(default_factory=list)
    mistakes: list[RecordMistake] = field(default_factory=list)

    def assume(self, key: str, found: str, assumed: str) -> None:
        self.assumptions.append(Assumption(OlderShape.JOB_RECORD, key, found, assumed, self.place(key)))

    def object_to(self, key: str, what: str) -> None:
        self.mistakes.append(RecordMistake(key, f"`{key}` {what}"))


# --- each key ---------------------------------------------------------------------------------


def _identity(draft: _Draft) -> None:
    """Take the id from the file name, as every command does; another id in the record is a mistake."""
    draft.known["id"] = draft.file.job_id
    for key in ("job_id", "id"):
        if key in draft.content and str(draft.content[key]) != draft.file.job_id:
            draft.object_to(key, f"does not match the file name: {draft.file.job_id}")


def _words(draft: _Draft) -> None:
    _text(draft, "prompt", "", "unknown")
    _text(draft, "agent", DEFAULT, DEFAULT)
    _text(draft, "agent_session", f"tmux:{DEFAULT}", f"tmux:{DEFAULT}")
    _text(draft, "workdir", draft.file.workdir, draft.file.workdir)
    draft.known["workdir"] = os.path.join(draft.file.workdir, draft.known["workdir"])
    topic = topic_of(draft.file.job_id)
    _text(draft, "topic", topic, topic)
    if mistake_of("topic", draft.known) or not _TOPIC.fullmatch(draft.known["topic"]):
        draft.object_to("topic", "is not a valid MQTT topic for events")


def _text(draft: _Draft, key: str, default: str, assumed: str) -> None:
    value = draft.content.get(key)
    draft.known[key] = value if value and isinstance(value, str) else default
    if _is_empty(value):
        draft.assume(key, NOTHING, assumed)
    elif not isinstance(value, str):
        draft.object_to(key, "is not a string")


def _limits(draft: _Draft) -> None:
    for key, default in (("timeout", _TIMEOUT), ("idle_timeout", _IDLE_TIMEOUT)):
        value = draft.content.get(key)
        number = _number(value)
        draft.known[key] = number if number and number > 0 else default
        if _is_empty(value) or (number is not None and number <= 0):
            draft.assume(key, _shown(value), f"{default} seconds")
        elif number is None:
            draft.object_to(key, "is not a number of seconds")
        elif isinstance(value, str):
            draft.assume(key, _shown(value), f"{number:g} seconds")


def _number(value: object) -> float | None:
    """A number, also one in quotes; None for anything else."""
    if isinstance(value, str) and value.strip().isascii():
        try:
            value = float(value)
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return value if is_number else None  # type: ignore[return-value] # it is one


def _moments(draft: _Draft) -> None:
    for key in ("created_at", "updated_at"):
        value = draft.content.get(key)
        found = _moment(draft.file.changed if _is_empty(value) else value)
        draft.known[key] = to_millisecond(found) if found else ""
        if found is None:
            draft.object_to(key, "is not a time")
        elif _is_empty(value):
            draft.assume(key, NOTHING, f"{draft.known[key]}, when the file was changed")
        elif not isinstance(value, str) or mistake_of(key, {key: value}):
            draft.assume(key, _shown(value), draft.known[key])


def _moment(value: object) -> datetime | None:
    """Parse ISO 8601 (without a zone: UTC), or seconds or milliseconds since 1970; None for anything else."""
    try:
        number = _number(value)
        if number is not None and not (isinstance(value, str) and value.isdigit() and len(value) == 8):
            return datetime.fromtimestamp(number / 1000 if abs(number) > _MILLISECONDS else number, UTC)
        found = moment_of(value) if isinstance(value, str) else None
        return found.astimezone(UTC) if found else None
    except (OverflowError, OSError, ValueError):
        return None


def _token(draft: _Draft) -> None:
    """Read the token. One in another form is used as text; one that can be guessed is not used."""
    value = draft.content.get("auth_token")
    text = value if isinstance(value, str) else ""
    is_secret = _LONG_ENOUGH.fullmatch(text) and text not in draft.known["topic"]
    draft.known["auth_token"] = text if is_secret else ""
    if _is_empty(value):
        draft.assume("auth_token", NOTHING, "no event can be verified, so none counts")
    elif not draft.known["auth_token"]:
        draft.assume("auth_token", "a token that can be guessed", "no event can be verified, so none counts")
    elif not AUTH_TOKEN.fullmatch(text):
        draft.assume("auth_token", "not 64 hex digits", "the key is the text itself")


def _status(draft: _Draft) -> None:
    value = draft.content.get("status")
    word = re.sub(r"[\s-]+", "_", value.strip().lower()) if isinstance(value, str) else ""
    status = STATUS_WORDS.get(word, JobStatus.PENDING)
    draft.known["status"] = status.value
    if value != status.value:
        unknown = "" if word in STATUS_WORDS else ": the job counts as open"
        draft.assume("status", _shown(value), f"{status.value}{unknown}")
    _result(draft, status, word)


def _result(draft: _Draft, status: JobStatus, word: str) -> None:
    """Read the result. A job that has ended needs one; a string in its place becomes the detail."""
    value = draft.content.get("result")
    if value and not mistake_of("result", draft.content):
        draft.known["result"] = value
        return
    if not _is_empty(value):
        draft.assume("result", _shown(value), "its detail" if isinstance(value, str) else "another tool's")
    if status not in _ENDINGS:
        return
    ending = Ending.IDLE_TIMEOUT if word == "idle_timeout" else _ENDINGS[status]
    if _is_empty(value):
        draft.assume("result", NOTHING, f"{ending}, as its status says")
    detail = value if isinstance(value, str) else ""
    at = draft.known["updated_at"]
    draft.known["result"] = {"ending": ending.value, "detail": detail, "at": at, "event_id": ""}


def _broker(draft: _Draft) -> None:
    """Read the broker block. Its keys are those of `Connection`; paths are relative to the job's folder."""
    value = draft.content.get("broker")
    draft.known["broker"] = {}
    if value is None:
        return
    if not isinstance(value, dict):
        draft.object_to("broker", "is not a JSON object")
        return
    for key, setting in value.items():
        _setting(draft, key, setting)
    draft.assumptions += plain_login(draft.known["broker"], draft.place)


def _setting(draft: _Draft, key: str, value: Any) -> None:
    name = f"broker.{key}"
    if key not in _SETTINGS:
        draft.assume(name, "another tool's key", "not used")
    elif isinstance(value, dict | list):
        draft.object_to(name, "is neither a string nor a number")
    elif not _is_empty(value):
        is_path = key in _PATHS and isinstance(value, str) and not value.startswith("~")
        draft.known["broker"][key] = os.path.join(draft.known["workdir"], value) if is_path else value


def _rest(draft: _Draft) -> None:
    """Read the keys that only reconciler writes. A value in another form belongs to another tool, and is not used."""
    for key in _OURS_ALONE:
        value = draft.content.get(key)
        if _is_empty(value):
            continue
        if key == "validate":
            draft.assume(key, _shown(value), "not run: `reconciler job verify --validate` runs a script")
        elif mistake_of(key, draft.content):
            draft.assume(key, _shown(value), "another tool's")
        else:
            draft.known[key] = value


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _shown(value: object) -> str:
    """A value of the file as one short line of JSON."""
    if value is None:
        return NOTHING
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"

"""Read a job record of any program from its bytes, and merge a changed job into it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import to_builtins

from reconciler.model.adoption import Assumption, OlderShape
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Job
from reconciler.model.read_json import read_json, text_of
from reconciler.model.redacted import Redacted
from reconciler.text.json import places

from .content import job_of, mistakes_in
from .older import RecordFile, is_older, modernized, plain_login, with_changes


class RecordUnreadable(ReconcilerError):
    """The record is broken or cannot be read, so nothing may be decided from it.

    `mistakes` has each mistake with its place.
    """

    def __init__(self, summary: str, *, mistakes: tuple[Diagnostic, ...] = (), detail: str = "", fix: str = "") -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self._mistakes = mistakes

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake of the record."""
        return self._mistakes or super().diagnostics


class Recorded(Redacted, frozen=True):
    """A job, and what had to be assumed because its record does not say it."""

    job: Job
    assumptions: tuple[Assumption, ...] = ()
    is_older: bool = False
    text: bytes = b""
    """The content of the record."""

    @property
    def is_ended_elsewhere(self) -> bool:
        """Whether the original scripts ended the job: the record has an end status, but no result of ours."""
        return self.job.ended and self.assumed("result")

    def assumed(self, key: str) -> bool:
        """Whether the value of this key is assumed."""
        return any(each.subject == key and each.shape is OlderShape.JOB_RECORD for each in self.assumptions)


def recorded(file: RecordFile, text: bytes) -> Recorded:
    """Read a record. Raises RecordUnreadable with all mistakes in it."""
    content = _content(file, text)
    place = _Places(file.path, text).of
    if not is_older(content):
        _refuse(file, ((each.what, place(each.key)) for each in mistakes_in(content)))
        logins = plain_login(content["broker"], place) if content.get("broker") else ()
        return Recorded(job_of(content), logins, text=text)
    older = modernized(file, content, place)
    _refuse(file, ((each.what, place(each.key)) for each in older.mistakes))
    return Recorded(job_of(older.content), older.assumptions, is_older=True, text=text)


def merged(file: RecordFile, before: Recorded, job: Job) -> dict[str, Any]:
    """Return the record's new content for a changed job. Keys of other tools stay, even with the names of ours.

    In a record of the original scripts, only changed keys are written, so that the scripts can still read it.

    Raises:
        ReconcilerError: The new content would not read back as the job.
    """
    content = _content(file, before.text)
    if not before.is_older:
        return {**content, **to_builtins(job)}
    data = with_changes(content, before.job, job)
    if recorded(file, json.dumps(data).encode()).job != job:
        raise ReconcilerError(
            "the job record cannot be changed: it would not read back the same", fix=f"check {file.path}"
        )
    return data


def _content(file: RecordFile, text: bytes) -> dict[str, Any]:
    try:
        content = read_json(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise _broken(file, [("it is not JSON", Place(file.path, line))]) from error
    if not isinstance(content, dict):
        raise _broken(file, [("it is not a JSON object", Place(file.path, 1))])
    return content


def _refuse(file: RecordFile, mistakes: Iterable[tuple[str, Place]]) -> None:
    found = list(mistakes)
    if found:
        raise _broken(file, found)


def _broken(file: RecordFile, mistakes: list[tuple[str, Place]]) -> RecordUnreadable:
    begin = f"the record of job {file.job_id} is broken: "
    fix = f"correct {file.path}, or delete it to forget the job"
    (first, at), *others = mistakes
    return RecordUnreadable(
        begin + (f"{len(mistakes)} mistakes" if others else first),
        detail="\n".join(f"{place}: {what}" for what, place in mistakes) if others else str(at),
        mistakes=tuple(Diagnostic(Severity.ERROR, begin + what, fix=fix, place=place) for what, place in mistakes),
        fix=fix,
    )


class _Places:
    """Finds the keys of a record in its file. The file is parsed for places only when one is needed."""

    def __init__(self, path: str, text: bytes) -> None:
        self._path = path
        self._text = text
        self._known: Mapping[str, tuple[int, int]] | None = None

    def of(self, key: str) -> Place:
        """The place of a key; only the file when the key is missing."""
        if self._known is None:
            self._known = places(text_of(self._text))
        return Place(self._path, *self._known.get(key, (0, 0)))

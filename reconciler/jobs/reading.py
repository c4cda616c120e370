"""The bytes of a job record: the job that they mean, whoever wrote them, and what is written over them. Pure."""

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
    """The record is there but broken, or cannot be read; nothing may be decided from it.

    `mistakes` names each thing that is wrong, with its place.
    """

    def __init__(self, summary: str, *, mistakes: tuple[Diagnostic, ...] = (), detail: str = "", fix: str = "") -> None:
        super().__init__(summary, detail=detail, fix=fix)
        self._mistakes = mistakes

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every mistake of the record."""
        return self._mistakes or super().diagnostics


class Recorded(Redacted, frozen=True):
    """A job, and what its record did not say by itself; nothing for a record of today's program."""

    job: Job
    assumptions: tuple[Assumption, ...] = ()
    is_older: bool = False

    @property
    def is_ended_elsewhere(self) -> bool:
        """Whether the original scripts ended it: only its status says so, and its audit is theirs."""
        return self.job.ended and self.assumed("result")

    def assumed(self, key: str) -> bool:
        """Whether the record says nothing of this key."""
        return any(each.subject == key and each.shape is OlderShape.JOB_RECORD for each in self.assumptions)


def recorded(file: RecordFile, text: bytes) -> Recorded:
    """The job, and what was assumed of it. Raises RecordUnreadable with everything that is wrong with the record."""
    content = _content(file, text)
    place = _Places(file.path, text).of
    if not is_older(content):
        _refuse(file, ((each.what, place(each.key)) for each in mistakes_in(content)))
        return Recorded(job_of(content), plain_login(content["broker"], place) if content.get("broker") else ())
    older = modernized(file, content, place)
    _refuse(file, ((each.what, place(each.key)) for each in older.mistakes))
    return Recorded(job_of(older.content), older.assumptions, is_older=True)


def is_of_others(text: bytes) -> bool:
    """Whether something else than today's program wrote the record."""
    try:
        content = read_json(text)
    except ValueError:
        return False
    return isinstance(content, dict) and is_older(content)


def merged(file: RecordFile, text: bytes, job: Job) -> dict[str, Any]:
    """What the record says from now on. Keys of other tools stay, also where they have the names of ours.

    Of a record that the original scripts wrote only what has changed is written, so that they still understand it.

    Raises:
        RecordUnreadable: It is broken.
        ReconcilerError: It would not say what is meant.
    """
    content = _content(file, text)
    if not is_older(content):
        return {**content, **to_builtins(job)}
    data = with_changes(content, recorded(file, text).job, job)
    if recorded(file, json.dumps(data).encode()).job != job:
        raise ReconcilerError("the job record would say something else than is meant", fix=f"look into {file.path}")
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
    fix = f"mend {file.path}, or delete it: the job is then forgotten"
    (first, at), *others = mistakes
    return RecordUnreadable(
        begin + (f"{len(mistakes)} mistakes" if others else first),
        detail="\n".join(f"{place}: {what}" for what, place in mistakes) if others else str(at),
        mistakes=tuple(Diagnostic(Severity.ERROR, begin + what, fix=fix, place=place) for what, place in mistakes),
        fix=fix,
    )


class _Places:
    """Where the keys of a record are; looked for only when something is to be said about one."""

    def __init__(self, path: str, text: bytes) -> None:
        self._path = path
        self._text = text
        self._known: Mapping[str, tuple[int, int]] | None = None

    def of(self, key: str) -> Place:
        """The place of a key; of the file, where the key is missing."""
        if self._known is None:
            self._known = places(text_of(self._text))
        return Place(self._path, *self._known.get(key, (0, 0)))

"""Jobs of other hosts: dead letters and what a runner says, as documents and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from reconciler.model.harmless import one_line

from .documents import FORMAT_VERSION
from .documents.job_dead import DeadLetterDoc, DeadLettersDoc
from .documents.runner import RunnerNewsDoc
from .status import age
from .table import table

_COLUMNS = ("JOB", "FOR", "FROM", "GIVEN UP BY", "AGE", "WHY")
_SENTENCES: Mapping[str, str] = {
    "started": "Waiting for {detail}.",
    "taken": "taken {detail}",
    "waiting": "waits: {detail}",
    "delivered": "delivered to {detail}",
    "ended": "ended: {detail}",
    "dead_letter": "given up, now a dead letter: {detail}",
    "dropped": "dropped a message: {detail}",
    "cancelled": "cancelled {detail}",
    "guarded": "is not typed here: {detail}",
    "problem": "Problem: {detail}",
    "queue_away": "{detail}",
    "queue_back": "The queue answers again.",
    "stopped": "Stopped: {detail}. Jobs that were taken go on at the next start.",
}


def dead_letters_document(letters: Sequence[DeadLetterDoc]) -> DeadLettersDoc:
    """The document of `job dead list --json`."""
    return {"format_version": FORMAT_VERSION, "letters": list(letters)}


def dead_letters_text(document: DeadLettersDoc, now: datetime) -> Iterator[str]:
    """One line per dead letter, then what can be done."""
    letters = document["letters"]
    if not letters:
        yield "There is no dead letter."
        return
    yield from table([_COLUMNS, *(_cells(letter, now) for letter in letters)])
    yield ""
    yield f"Try one again: reconciler job dead retry {one_line(letters[0]['id'])}"
    yield f"Forget one:    reconciler job dead drop {one_line(letters[0]['id'])}"


def _cells(letter: DeadLetterDoc, now: datetime) -> tuple[str, ...]:
    to = f"pool {letter['to_pool']}" if letter["to_pool"] else letter["to_host"]
    cells = (letter["id"], to, letter["origin"] or "-", letter["host"] or "-", age(letter["at"], now), letter["why"])
    return tuple(map(one_line, cells))


def runner_line(at: str, what: str, job_id: str, detail: str) -> RunnerNewsDoc:
    """A line of `runner --json`."""
    line = {"format_version": FORMAT_VERSION, "at": at, "what": what, "job": job_id, "detail": detail}
    return cast(RunnerNewsDoc, line)


def runner_text(line: RunnerNewsDoc) -> str:
    """The same for people."""
    said = _SENTENCES[line["what"]].format(detail=line["detail"])
    return one_line(f"{line['job']}  {said}" if line["job"] else said)

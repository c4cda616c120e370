"""The audits of jobs: listed, checked, and read as they grow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from reconciler.jobs.audit import EVENTS, RECORD, audit_folder, logs_root, verify_audit
from reconciler.jobs.record import Records, UnknownJob, path_of, read
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.job import FINAL_STATUSES
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.render.documents.job_logs import AuditsDoc, ChainDoc
from reconciler.render.jobs import audits_document

_PAUSE = 0.25
_LARGEST_PIECE = 1 << 20

AuditEntry: TypeAlias = Mapping[str, Json]
"""One line of an audit."""


class AuditCheck(Struct, frozen=True):
    """How many lines hold, as a document too; `error` says what was changed or is missing."""

    document: AuditsDoc
    lines: int
    error: ReconcilerError | None = None


def list_all(records: Records, here: str) -> AuditsDoc:
    """Every audit folder in DELEGATE_JOB_LOGS_DIR, or below the folder `here`."""
    root = logs_root(records.env, here)
    names = sorted(os.listdir(root)) if os.path.isdir(root) else []
    return audits_document({"id": name, "folder": os.path.join(root, name)} for name in names)


def check(records: Records, job_id: str) -> AuditCheck:
    """Check the audit of one job: whether something in it was changed, or is missing."""
    folder = _folder(records, job_id)
    found = verify_audit(folder, ended=_has_ended_for_good(records, job_id, folder))
    chain = found.chain
    told: ChainDoc = {"lines": chain.lines, "broken": chain.broken, "why": chain.why, "files": dict(found.files)}
    document = audits_document([{"id": job_id, "folder": folder, "chain": told}])
    error = None
    if chain.broken:
        path = os.path.join(folder, EVENTS)
        error = ReconcilerError(f"{path}, line {chain.broken}: {chain.why}", fix="trust the lines before it only")
    elif found.files:
        name, why = next(iter(found.files.items()))
        error = ReconcilerError(f"{os.path.join(folder, name)}: {why}", fix="trust events.jsonl, which holds")
    return AuditCheck(document, chain.lines, error)


def _has_ended_for_good(records: Records, job_id: str, folder: str) -> bool:
    """By its record; for a job that was pruned, by the copy beside the audit."""
    try:
        return read(records, job_id).ended
    except UnknownJob:
        copy = records.files.read(os.path.join(folder, RECORD))
        return isinstance(copy, Present) and _entry(copy.value).get("status") in FINAL_STATUSES


def read_one(records: Records, job_id: str) -> AuditsDoc:
    """The audit of one job as one document."""
    folder = _folder(records, job_id)
    entries = [_entry(line) for line in _lines(records, os.path.join(folder, EVENTS), 0)]
    return audits_document([{"id": job_id, "folder": folder, "entries": entries}])


def entries(records: Records, job_id: str, *, follow: bool) -> Iterator[list[AuditEntry]]:
    """The entries of one audit; with `follow`, again and again those that came to it, until the job has ended."""
    path = os.path.join(_folder(records, job_id), EVENTS)
    offset = 0
    while True:
        ended = not follow or _has_ended(records, job_id)
        lines = list(_lines(records, path, offset))
        offset += sum(map(len, lines))
        yield [_entry(line) for line in lines]
        if ended:
            return
        records.clock.wait(_PAUSE)


def _lines(records: Records, path: str, start: int) -> Iterator[bytes]:
    """The whole lines from a place in the file on."""
    while piece := _piece(records, path, start):
        yield from piece
        start += sum(map(len, piece))


def _piece(records: Records, path: str, start: int) -> list[bytes]:
    match records.files.read(path, _LARGEST_PIECE, start):
        case Present(data):
            return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        case Unknown(reason):
            raise ReconcilerError(f"the audit cannot be read: {reason}")
        case Absent():
            return []


def _entry(line: bytes) -> dict[str, Json]:
    """A torn line, which a crash leaves, is told as such."""
    try:
        found = read_json(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"what": "unreadable"}


def _has_ended(records: Records, job_id: str) -> bool:
    try:
        return read(records, job_id).ended
    except UnknownJob:
        return True


def _folder(records: Records, job_id: str) -> str:
    """The audit folder of a job, also of one that was pruned."""
    try:
        folder = audit_folder(read(records, job_id), records.env)
    except UnknownJob:
        path_of(records, job_id)  # so that no other folder is read than one of a job
        folder = os.path.join(logs_root(records.env, os.getcwd()), job_id)
    if not os.path.isdir(folder):
        raise UsageError(f"there is no audit folder {folder}", fix="reconciler job logs --list")
    return folder

"""What `job logs` does: list, check and tell the audit of jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from reconciler.jobs.audit import EVENTS, KEPT, RECORD, audit_folder, logs_root, verify_audit
from reconciler.jobs.record import Records, UnknownJob, path_of, read
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.job import FINAL_STATUSES
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.render.door import is_cut_off, json_text
from reconciler.render.job_shape import ChainDoc
from reconciler.render.jobs import audit_text, audits_document
from reconciler.render.terminal import show

_PAUSE = 0.25
_LARGEST_PIECE = 1 << 20


def list_folders(records: Records, here: str, *, as_json: bool) -> int:
    """Print every audit folder in DELEGATE_JOB_LOGS_DIR, or below the folder `here`."""
    root = logs_root(records.env, here)
    folders = {name: os.path.join(root, name) for name in sorted(os.listdir(root))} if os.path.isdir(root) else {}
    document = audits_document({"id": name, "folder": folder} for name, folder in folders.items())
    _print(records, [json_text(document)] if as_json else folders.values())
    return ExitCode.OK


def verify(records: Records, job_id: str, *, as_json: bool) -> int:
    """Check the audit of one job; ReconcilerError when something in it was changed or is missing."""
    folder = _folder(records, job_id)
    found = verify_audit(folder, ended=_has_ended_for_good(records, job_id, folder))
    chain = found.chain
    if as_json:
        told: ChainDoc = {"lines": chain.lines, "broken": chain.broken, "why": chain.why, "files": dict(found.files)}
        _print(records, [json_text(audits_document([{"id": job_id, "folder": folder, "chain": told}]))])
    if chain.broken:
        path = os.path.join(folder, EVENTS)
        raise ReconcilerError(f"{path}, line {chain.broken}: {chain.why}", fix="trust the lines before it only")
    for name, why in found.files.items():
        raise ReconcilerError(f"{os.path.join(folder, name)}: {why}", fix="trust events.jsonl, which holds")
    if not as_json:
        _print(records, [f"{chain.lines} lines, none of them changed since, nor any file that they tell of"])
    return ExitCode.OK


def _has_ended_for_good(records: Records, job_id: str, folder: str) -> bool:
    """By its record; for a job that was pruned, by the copy beside the audit."""
    try:
        return read(records, job_id).ended
    except UnknownJob:
        copy = records.files.read(os.path.join(folder, RECORD))
        return isinstance(copy, Present) and _entry(copy.value).get("status") in FINAL_STATUSES


def document(records: Records, job_id: str) -> int:
    """Print the audit of one job as one document."""
    folder = _folder(records, job_id)
    entries = [_entry(line) for line in _lines(records, os.path.join(folder, EVENTS), 0)]
    _print(records, [json_text(audits_document([{"id": job_id, "folder": folder, "entries": entries}]))])
    return ExitCode.OK


def tell(records: Records, job_id: str, *, follow: bool, as_json: bool) -> None:
    """Print the audit of one job, a line each, and with `follow` what comes to it until the job has ended."""
    path = os.path.join(_folder(records, job_id), EVENTS)
    offset = 0
    while True:
        ended = not follow or _has_ended(records, job_id)
        for line in _lines(records, path, offset):
            offset += len(line)
            entry = _entry(line)
            if as_json:
                _print(records, [json_text(entry)])
            elif entry.get("what") != KEPT:  # only a check needs those
                _print(records, [audit_text(entry)])
        sys.stdout.flush()
        if ended or is_cut_off(sys.stdout):
            return
        records.clock.wait(_PAUSE)


def _print(records: Records, lines: Iterable[str]) -> None:
    show(lines, sys.stdout, records.env)


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

"""List, check and follow the audits of jobs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace

from reconciler.jobs.audit import EVENTS, RECORD, Audit, audit_folder, holds_chain, logs_root, verify_audit
from reconciler.jobs.audit_files import SUBSCRIBER, OtherFile, other_files, without_secret_members
from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import Records, UnknownJob, path_of, read
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.job import FINAL_STATUSES, TOKEN_HIDDEN
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.model.secrets import without_secrets, without_token
from reconciler.render.documents.job_logs import AuditDoc, AuditsDoc, ChainDoc
from reconciler.render.jobs import audits_document

_PAUSE = 0.25
_LARGEST_PIECE = 1 << 20
_LONGEST_TEXT = 2000

AuditEntry: TypeAlias = Mapping[str, Json]
"""One line of an audit."""


class AuditCheck(Struct, frozen=True):
    """How many lines are intact, also as a document; `error` says what was changed or is missing."""

    document: AuditsDoc
    lines: int
    error: ReconcilerError | None = None


def list_all(records: Records, here: str) -> AuditsDoc:
    """Every audit folder in DELEGATE_JOB_LOGS_DIR, or below the folder `here`."""
    root = logs_root(records.env, here)
    names = sorted(name for name in _entries_of(root) if os.path.isdir(os.path.join(root, name)))
    return audits_document({"id": name, "folder": os.path.join(root, name)} for name in names)


def check(records: Records, job_id: str) -> AuditCheck:
    """Check whether something in the audit of one job was changed or is missing."""
    folder = _folder(records, job_id)
    found = verify_audit(folder, ended=_has_ended_for_good(records, job_id, folder))
    chain = found.chain
    checked: ChainDoc = {
        "lines": chain.lines,
        "foreign": chain.foreign,
        "broken": chain.broken,
        "why": chain.why,
        "files": dict(found.files),
    }
    document = audits_document([{"id": job_id, "folder": folder, "chain": checked}])
    error = None
    if chain.broken:
        path = os.path.join(folder, EVENTS)
        error = ReconcilerError(f"{path}, line {chain.broken}: {chain.why}", fix="trust only the lines before it")
    elif chain.foreign:
        error = _unverifiable(folder, found)
    elif found.files:
        name, why = next(iter(found.files.items()))
        error = ReconcilerError(f"{os.path.join(folder, name)}: {why}", fix="trust only events.jsonl, which is intact")
    return AuditCheck(document, chain.lines, error)


def _unverifiable(folder: str, found: Audit) -> ReconcilerError:
    """The error about lines without digests: anyone with write access may have changed them."""
    lines = "line 1" if found.chain.foreign == 1 else f"lines 1 to {found.chain.foreign}"
    files = [f"{name}: {why}" for name, why in found.files.items()]
    rest = f"the {found.chain.lines} lines of reconciler are intact" if found.chain.lines else ""
    return ReconcilerError(
        f"{os.path.join(folder, EVENTS)}, {lines}: another tool wrote them without digests; they cannot be verified",
        detail="\n".join(filter(None, [rest, *files])),
        fix="trust them only if you trust everyone with write access to the folder",
    )


def _entries_of(root: str) -> list[str]:
    try:
        return os.listdir(root)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReconcilerError(f"the audit folders cannot be listed: {root}: {error.strerror}") from error


def _has_ended_for_good(records: Records, job_id: str, folder: str) -> bool:
    """Whether the job has ended, by its record; for a pruned job, by the copy beside the audit."""
    try:
        return read(records, job_id).ended
    except (UnknownJob, RecordUnreadable):
        copy = records.files.read(os.path.join(folder, RECORD))
        return isinstance(copy, Present) and _entry(copy.value).get("status") in FINAL_STATUSES


def read_one(records: Records, job_id: str) -> AuditsDoc:
    """The audit of one job as one document."""
    folder = _folder(records, job_id)
    secrets = _secrets(records, job_id)
    entries = [_told(line, secrets) for line in _lines(records, os.path.join(folder, EVENTS), 0, to_end=True)]
    audit: AuditDoc = {"id": job_id, "folder": folder, "entries": entries}
    if others := list(beside(records, job_id)):
        audit["files"] = [{"path": each.path, "size": each.size, "text": each.text, "why": each.why} for each in others]
    return audits_document([audit])


def beside(records: Records, job_id: str) -> Iterator[OtherFile]:
    """Files of other tools in the audit folder of a job, without the secrets of its record."""
    folder, secrets = _folder(records, job_id), _secrets(records, job_id)
    for each in other_files(records, job_id, folder):
        yield replace(each, text=_without(each.text, secrets))


def _told(line: bytes, secrets: tuple[str, str]) -> dict[str, Json]:
    """The keys of a line; a line from another tool loses the secrets of the job's record."""
    entry = _entry(line)
    return entry if "prev" in entry else _entry(_without(line.decode(errors="replace"), secrets).encode())


def _without(text: str, secrets: tuple[str, str]) -> str:
    return without_secrets(without_token(text, secrets[0], TOKEN_HIDDEN), secrets)


def _secrets(records: Records, job_id: str) -> tuple[str, str]:
    """The token and the password in the record of a job; empty texts if there are none."""
    try:
        job = read(records, job_id)
    except (UnknownJob, RecordUnreadable):
        return "", ""
    return job.auth_token, str(job.broker.get("password") or "")


def unreadable_record(records: Records, job_id: str) -> RecordUnreadable | None:
    """Why the record of a job cannot be read, or None; its audit is shown anyway."""
    try:
        read(records, job_id)
    except UnknownJob:
        return None
    except RecordUnreadable as error:
        return error
    return None


def entries(records: Records, job_id: str, *, follow: bool) -> Iterator[list[AuditEntry]]:
    """The entries of one audit; with `follow`, also new entries as they come, until the job has ended."""
    path, secrets = os.path.join(_folder(records, job_id), EVENTS), _secrets(records, job_id)
    offset = 0
    while True:
        ended = not follow or _has_ended(records, job_id)
        lines = list(_lines(records, path, offset, to_end=ended))
        offset += sum(map(len, lines))
        yield [_told(line, secrets) for line in lines]
        if ended:
            return
        records.clock.wait(_PAUSE)


def _lines(records: Records, path: str, start: int, *, to_end: bool) -> Iterator[bytes]:
    """The whole lines from byte `start`; with `to_end`, also a last line that another tool left without a line end."""
    while piece := _piece(records, path, start):
        yield from piece
        start += sum(map(len, piece))
    if to_end and (rest := _rest(records, path, start)) and not holds_chain(os.path.dirname(path)):
        yield rest


def _rest(records: Records, path: str, start: int) -> bytes:
    found = records.files.read(path, _LARGEST_PIECE, start)
    return found.value if isinstance(found, Present) else b""


def _piece(records: Records, path: str, start: int) -> list[bytes]:
    match records.files.read(path, _LARGEST_PIECE, start):
        case Present(data):
            return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        case Unknown(reason):
            raise ReconcilerError(f"the audit cannot be read: {reason}")
        case Absent():
            return []


def _entry(line: bytes) -> dict[str, Json]:
    """The keys of a line. Text that is not JSON becomes the key `text`, without secrets.

    A crash can leave a torn line, and other tools write lines of text.
    """
    try:
        found = read_json(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"what": "unreadable", "text": line.decode(errors="replace").rstrip("\r\n")[:_LONGEST_TEXT]}
    return found if "prev" in found else cast(dict[str, Json], without_secret_members(found))


def _has_ended(records: Records, job_id: str) -> bool:
    try:
        return read(records, job_id).ended
    except (UnknownJob, RecordUnreadable):
        return True


def _folder(records: Records, job_id: str) -> str:
    """The audit folder of a job, also if the job was pruned or its record is damaged."""
    path = path_of(records, job_id)  # rejects ids that would lead to another folder
    try:
        folder = audit_folder(read(records, job_id), records.env)
    except (UnknownJob, RecordUnreadable):
        places = [os.path.join(logs_root(records.env, place), job_id) for place in (os.getcwd(), records.workdir)]
        folder = next(filter(os.path.isdir, places), places[0])
    if not os.path.isdir(folder) and not os.path.lexists(path.removesuffix(".json") + SUBSCRIBER):
        raise UsageError(f"there is no audit folder {folder}", fix="reconciler job logs --list")
    return folder

"""The audit of a job: one folder that is only ever appended to, and that holds no secrets.

In `events.jsonl`, each line has the SHA-256 of the line before it in `prev`. A line with `"what": "kept"` has the
SHA-256 of another file in the folder. This detects lines that were changed, removed, added or moved later, files that
were replaced and, once the job has ended, missing last lines. It does not detect a chain that was rewritten completely.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, BinaryIO

from msgspec import Struct, to_builtins

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import FINAL_STATUSES, TOKEN_HIDDEN, Job
from reconciler.model.observed import Present
from reconciler.model.read_json import read_json
from reconciler.model.record import Json
from reconciler.model.secrets import data_without_token
from reconciler.ports import lockfile, own_files
from reconciler.ports.world import Files

EVENTS, LOG, RECORD = "events.jsonl", "follower.log", "record.json"
ORIGINAL = ".original"
"""The suffix for another tool's file whose name we need: it is copied to this name first."""
KEPT = "kept"  # marks a line that has the digest of a file
_LOGS = "delegate_job_logs"
_NOTHING = "0" * 64
_TAIL = 1 << 18  # longer than any line


class AuditFile(StrEnum):
    """The files of an audit folder that hold one text each."""

    PROMPT = "prompt.txt"
    INSTRUCTIONS = "instructions.txt"
    DELIVERY = "delivery.json"
    PANE = "pane.txt"
    VALIDATION = "validation.txt"


class Chain(Struct, frozen=True):
    """How much of a chain is intact."""

    lines: int
    """Lines that are intact."""
    broken: int = 0
    """The number of the first line that is not (from 1); 0 when all are."""
    why: str = ""
    foreign: int = 0
    """Lines of another tool at the beginning. They have no digests, so they cannot be checked."""


class Audit(Struct, frozen=True):
    """The result of checking a whole audit folder: its chain, and what is wrong with other files, by file name."""

    chain: Chain
    files: Mapping[str, str]


def logs_root(env: Mapping[str, str], workdir: str) -> str:
    """The folder of all audit folders: DELEGATE_JOB_LOGS_DIR if set, else delegate_job_logs in the job's folder."""
    given = env.get("DELEGATE_JOB_LOGS_DIR")
    if given:
        root = os.path.abspath(os.path.join(workdir, given))
        own_files.fence(root, ["."])
        return root
    own_files.fence(os.path.abspath(workdir), [_LOGS], "DELEGATE_JOB_LOGS_DIR={}")
    return os.path.join(os.path.abspath(workdir), _LOGS)


def audit_folder(job: Job, env: Mapping[str, str]) -> str:
    """The audit folder of a job."""
    return os.path.join(logs_root(env, job.workdir), job.id)


def keep(folder: str, file: AuditFile, text: str, files: Files, at: str) -> None:
    """Write one text into the audit folder. Raises ReconcilerError when it cannot be written."""
    _keep(os.path.join(folder, file), text.encode(errors="replace"), files, at)


def keep_record(folder: str, job: Job, files: Files, at: str) -> None:
    """Write a copy of the record, without its secrets. Raises ReconcilerError when it cannot be written."""
    content = {key: value for key, value in to_builtins(job).items() if key != "auth_token"}
    content["broker"] = {key: value for key, value in job.broker.items() if key != "password"}
    content = data_without_token(content, job.auth_token, TOKEN_HIDDEN)
    _keep(os.path.join(folder, RECORD), json.dumps(content, indent=2).encode() + b"\n", files, at)


def _keep(path: str, data: bytes, files: Files, at: str) -> None:
    """Write a file. Its digest goes into the chain first, so that every file has one.

    If another tool has a file of this name, that file is first copied to `<name>.original`.
    """
    folder, name = os.path.split(path)
    if isinstance(files.facts(path), Present) and not _is_ours(folder, name, files):
        files.copy(path, f"{path}{ORIGINAL}")
    append_events(folder, [{"at": at, "what": KEPT, "file": name, "sha256": sha256(data).hexdigest()}])
    files.write(path, data, 0o600)


def append_events(folder: str, entries: Iterable[Mapping[str, Json]]) -> None:
    """Append entries to the chain in one durable write.

    If a crash left the last line unfinished, the line is ended first and counts like any other.

    Raises:
        ReconcilerError: The chain cannot be written.
    """
    lines = list(entries)
    if not lines:
        return
    with lockfile.one_at_a_time(folder):
        try:
            _append_chained(os.path.join(folder, EVENTS), lines)
        except OSError as error:
            raise _failure(folder, error) from error


def log(folder: str, lines: Iterable[str]) -> None:
    """Add lines to the follower's log. Raises ReconcilerError when they cannot be written."""
    data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    try:
        with own_files.opened(folder, make=True), own_files.appending(os.path.join(folder, LOG)) as file:
            file.write(data)
    except OSError as error:
        raise _failure(folder, error) from error


def verify_audit(folder: str, *, ended: bool) -> Audit:
    """Check that the chain is intact and the other files have not changed. A job that has `ended` needs a last line.

    Files without a digest are not checked. Raises ReconcilerError when something cannot be read.
    """
    chain = verify_chain(folder)
    if chain.broken:
        return Audit(chain, {})
    entries = _entries(os.path.join(folder, EVENTS))
    if not entries and not chain.foreign:
        return Audit(Chain(0, 1, "the file is empty or missing: nothing in this folder can be verified"), {})
    digests = {str(entry.get("file")): str(entry.get("sha256")) for entry in entries if entry.get("what") == KEPT}
    changed = {name: why for name, digest in digests.items() if (why := _why_changed(folder, name, digest))}
    if chain.foreign:
        others = set(_names(folder)) - digests.keys() - {EVENTS, LOG}
        return Audit(chain, changed | dict.fromkeys(sorted(others), "it has no digest"))
    if ended and not any(entry.get("status") in FINAL_STATUSES for entry in entries):
        why = "the last lines are missing: the job has ended, but no line says so"
        return Audit(Chain(chain.lines, chain.lines + 1, why), {})
    return Audit(chain, changed)


def holds_chain(folder: str) -> bool:
    """Whether reconciler has written to this audit folder. Raises ReconcilerError when it cannot be read."""
    return any("prev" in entry for entry in _entries(os.path.join(folder, EVENTS)))


def _is_ours(folder: str, name: str, files: Files) -> bool:
    """Whether reconciler has written a file of this name there."""
    return files.contains(os.path.join(folder, EVENTS), b'"file":"%s"' % name.encode()) == Present(True)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise _failure(folder, error) from error


def _entries(path: str) -> list[dict[str, Any]]:
    """The lines that are JSON objects. Broken lines are skipped: `verify_chain` reports them."""
    try:
        with own_files.regular(path) as file:
            return [entry for line in file if (entry := _object(line)) is not None]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _failure(os.path.dirname(path), error) from error


def _why_changed(folder: str, name: str, digest: str) -> str:
    """How a file differs from its digest; empty when it is unchanged."""
    try:
        with own_files.regular(os.path.join(folder, os.path.basename(name))) as file:
            return "" if sha256(file.read()).hexdigest() == digest else "its content has changed"
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        raise _failure(folder, error) from error


def verify_chain(folder: str) -> Chain:
    """Check that each line of `events.jsonl` has the digest of the line before it. A missing file is an empty chain.

    A line that a crash cut short is intact if the next line has its digest.

    Raises:
        ReconcilerError: The file cannot be read.
    """
    try:
        with own_files.regular(os.path.join(folder, EVENTS)) as file:
            return _verified(file)
    except FileNotFoundError:
        return Chain(0)
    except OSError as error:
        raise _failure(folder, error) from error


def _append_chained(path: str, entries: Iterable[Mapping[str, Json]]) -> None:
    with own_files.appending(path) as file:
        last, whole = _last_line(file)
        parts = [] if whole else [b"\n"]
        for entry in entries:
            prev = sha256(last).hexdigest() if last else _NOTHING
            last = json.dumps({**entry, "prev": prev}, separators=(",", ":")).encode()
            parts += [last, b"\n"]
        file.write(b"".join(parts))
        os.fsync(file.fileno())


def _last_line(file: BinaryIO) -> tuple[bytes, bool]:
    """The last line without its newline, and whether it has one."""
    file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
    tail = file.read()
    return tail.removesuffix(b"\n").rpartition(b"\n")[2], not tail or tail.endswith(b"\n")


def _verified(file: BinaryIO) -> Chain:
    foreign, last = _foreign_lines(file)
    expected, torn, number = sha256(last.removesuffix(b"\n")).hexdigest() if foreign else _NOTHING, False, foreign
    for number, line in enumerate(file, foreign + 1):
        prev = _prev(line)
        if prev is not None and prev != expected:
            at = number - torn
            why = "its digest does not match the line before: that line was changed, or lines were added or removed"
            return Chain(at - 1 - foreign, at, why, foreign)
        if torn and prev is None:
            return Chain(number - 2 - foreign, number - 1, "it is not a line of the chain", foreign)
        torn = prev is None
        expected = sha256(line.removesuffix(b"\n")).hexdigest()
    if torn:
        return Chain(number - 1 - foreign, number, "it is unfinished", foreign)
    return Chain(number - foreign, foreign=foreign)


def _foreign_lines(file: BinaryIO) -> tuple[int, bytes]:
    """Count another tool's lines before the chain begins, and return the last of them. Leaves `file` after that line.

    A single broken line is not another tool's: a crash leaves one when it cuts our first line short.
    """
    count, last, objects, position = 0, b"", 0, 0
    for line in file:
        content = _object(line)
        if content is not None and "prev" in content:
            break
        count, last, objects = count + 1, line, objects + (content is not None)
        position += len(line)
    is_foreign = objects > 0 or count > 1
    file.seek(position if is_foreign else 0)
    return (count, last) if is_foreign else (0, b"")


def _prev(line: bytes) -> str | None:
    content = _object(line)
    return None if content is None or not line.endswith(b"\n") else str(content.get("prev"))


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        content = read_json(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _failure(folder: str, error: OSError) -> ReconcilerError:
    return ReconcilerError(
        f"the audit folder {folder} cannot be used: {error.strerror}",
        fix="free some space, or set DELEGATE_JOB_LOGS_DIR to another folder",
    )

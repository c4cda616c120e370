"""The audit folder: whole, chained, and without secrets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jobs.desk import audited, desk, event, opened
from msgspec.structs import replace

from reconciler.jobs.audit import (
    EVENTS,
    Audit,
    AuditFile,
    Chain,
    append_events,
    audit_folder,
    keep,
    log,
    logs_root,
    verify_audit,
    verify_chain,
)
from reconciler.jobs.record import NewJob, read, write
from reconciler.jobs.transitions import end_job, note_delivery, open_job, record_heard
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Accepted, DropReason, Ending, JobStatus, Result
from reconciler.ports.files import RealFiles

LINES = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(LINES):
        append_events(str(tmp_path / "j"), [{"n": number}])
    return tmp_path / "j"


def changed(folder: Path, change) -> Chain:
    path = folder / EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))
    return verify_chain(str(folder))


def test_an_untouched_chain_holds(folder):
    assert verify_chain(str(folder)) == Chain(LINES)
    assert verify_chain(str(folder / "none")) == Chain(0)


TAMPERINGS = {
    "a changed line": (lambda lines: [*lines[:2], lines[2].replace(b'"n":2', b'"n":7'), *lines[3:]], 4),
    "a removed line": (lambda lines: lines[:2] + lines[3:], 3),
    "the first removed": (lambda lines: lines[1:], 1),
    "two swapped": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
    "a line twice": (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
    "a line put in": (lambda lines: [*lines[:3], b'{"n":9,"prev":"0"}\n', *lines[3:]], 4),
    "noise put in": (lambda lines: [*lines[:3], b"noise\n", *lines[3:]], 4),
    "noise put in twice": (lambda lines: [*lines[:3], b"noise\n", b"noise\n", *lines[3:]], 4),
    "a cut last line": (lambda lines: [*lines[:-1], lines[-1][:10]], 6),
}


@pytest.mark.parametrize(("change", "broken"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_tampering_is_found_at_its_first_line(folder, change, broken):
    chain = changed(folder, change)
    assert chain.why
    assert chain.broken == broken


def test_a_line_that_a_crash_cut_short_is_chained_to(folder):
    path = folder / EVENTS
    path.write_bytes(path.read_bytes()[:-20])
    append_events(str(folder), [{"n": "after"}])
    assert verify_chain(str(folder)) == Chain(LINES + 1)
    assert changed(folder, lambda lines: [*lines[:-2], b"x" + lines[-2], lines[-1]]).broken


def test_files_are_the_owners_alone(folder):
    log(str(folder), ["line"])
    log(str(folder), ["another"])
    keep(str(folder), AuditFile.PANE, "screen", RealFiles(), "2026-01-01T00:00:00Z")
    assert (folder / "follower.log").read_text() == "line\nanother\n"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_folder_is_where_the_variable_says_else_beside_the_work():
    assert logs_root({"DELEGATE_JOB_LOGS_DIR": "/logs"}, "/work-dir") == "/logs"
    assert logs_root({}, "/work-dir") == "/work-dir/delegate_job_logs"


def test_no_secret_comes_into_the_audit(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    write(records, replace(job, broker={"host": "h", "password": "hunter2"}))
    leaking = event(job, detail=f"token is {job.auth_token}")
    record_heard(records, job.id, [leaking, DropReason.FORGED])
    note_delivery(records, job.id, {"verdict": "submitted"}, delivered=True)
    end_job(records, job.id, Result(Ending.CANCELLED, "", job.created_at))
    everything = b"".join(
        Path(folder, name).read_bytes() for folder, _, names in os.walk(tmp_path / "logs") for name in names
    )
    assert b"submitted" in everything
    assert not [secret for secret in (job.auth_token, "hunter2") if secret.encode() in everything]


def test_a_new_job_is_in_the_audit_before_anything_else_happens_to_it(tmp_path):
    records = desk(tmp_path)
    job = open_job(records, NewJob("do it", "claude", "tmux:s", "/w"))
    folder = Path(audit_folder(job, records.env))
    assert [(line["what"], line["status"], line["at"][:4]) for line in audited(records, job)] == [
        ("created", "pending", job.created_at[:4])
    ]
    assert (folder / "prompt.txt").read_text() == "do it"
    record = json.loads((folder / "record.json").read_text())
    assert (record["id"], record["status"]) == (job.id, "pending")
    assert verify_audit(str(folder), ended=False) == Audit(verify_chain(str(folder)), {})


def test_a_whole_life_is_in_the_audit(tmp_path):
    records = desk(tmp_path)
    job = open_job(records, NewJob("do it", "claude", "tmux:s", "/w"))
    note_delivery(records, job.id, {"verdict": "submitted"}, delivered=True)
    events = [event(job, 1, EventKind.STARTED), DropReason.FORGED, event(job, 2, EventKind.COMPLETED), event(job, 3)]
    record_heard(records, job.id, events)

    told = [(line["what"], line["status"]) for line in audited(records, job)]
    assert told == [
        ("created", "pending"),
        ("delivery", "delivered"),
        ("accepted", "running"),
        ("dropped", "running"),
        ("accepted", "completed"),
        ("ignored", "completed"),
    ]
    folder = Path(audit_folder(job, records.env))
    assert json.loads((folder / "record.json").read_text())["status"] == "completed"
    assert json.loads((folder / "delivery.json").read_text()) == {"verdict": "submitted"}
    assert (folder / "prompt.txt").read_text() == "do it"
    assert verify_audit(str(folder), ended=True) == Audit(verify_chain(str(folder)), {})


LOSSES = {
    "the last lines": (lambda folder: _shortened(folder, 3), 4),
    "all lines": (lambda folder: _shortened(folder, 0), 1),
    "the file of the lines": (lambda folder: (folder / EVENTS).unlink(), 1),
}


def _shortened(folder: Path, lines: int) -> None:
    path = folder / EVENTS
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.mark.parametrize(("lose", "broken"), LOSSES.values(), ids=LOSSES)
def test_of_a_job_that_has_ended_lost_lines_are_found(tmp_path, lose, broken):
    folder = _whole_life(tmp_path)
    lose(folder)
    found = verify_audit(str(folder), ended=True)
    assert found.chain.broken == broken
    assert "missing" in found.chain.why


@pytest.mark.parametrize("lose", [lambda path: path.write_bytes(b""), Path.unlink], ids=["empty", "missing"])
def test_without_any_line_nothing_holds_whatever_became_of_the_job(tmp_path, lose):
    folder = _whole_life(tmp_path)
    lose(folder / EVENTS)
    found = verify_audit(str(folder), ended=False)
    assert (found.chain.broken, "empty or missing" in found.chain.why) == (1, True)


def test_a_file_that_was_replaced_or_removed_is_found(tmp_path):
    folder = _whole_life(tmp_path)
    (folder / "prompt.txt").write_text("do that")
    (folder / "record.json").unlink()
    assert verify_audit(str(folder), ended=True).files == {
        "prompt.txt": "its content has changed",
        "record.json": "it is missing",
    }


def _whole_life(tmp_path: Path) -> Path:
    records = desk(tmp_path)
    job = open_job(records, NewJob("do it", "claude", "tmux:s", "/w"))
    record_heard(records, job.id, [event(job, 1, EventKind.COMPLETED)])
    return Path(audit_folder(job, records.env))


def test_what_one_follower_recorded_another_does_not_record_again(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    said = event(job, 1, EventKind.STARTED)
    record_heard(records, job.id, [said])
    lines = len(audited(records, job))
    again = record_heard(records, job.id, [said])
    assert again.happenings == (Accepted(again.job, said),)
    assert len(audited(records, job)) == lines


def test_a_job_that_gave_a_sign_of_life_is_not_ended_for_its_silence(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    silent = Result(Ending.IDLE_TIMEOUT, "", job.created_at)
    assert end_job(records, job.id, silent, quiet_since="2020-01-01T00:00:00Z").status is JobStatus.PENDING
    assert end_job(records, job.id, silent, quiet_since=read(records, job.id).updated_at).result == silent


def test_a_delivery_that_is_told_late_takes_nothing_back(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    record_heard(records, job.id, [event(job, 1, EventKind.STARTED)])
    assert note_delivery(records, job.id, {"v": 1}, delivered=True).status is JobStatus.RUNNING

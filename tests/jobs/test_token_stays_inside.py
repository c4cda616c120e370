"""The token that signs a job's events is in its record, and nowhere else: whatever an agent repeats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import desk, event, now, opened

from reconciler.jobs.outbox import outbox_of, waiting
from reconciler.jobs.publish import _put
from reconciler.jobs.record import path_of, read
from reconciler.jobs.sign import LONGEST_DETAIL
from reconciler.jobs.transitions import end_job, judge, note_delivery, record_heard
from reconciler.jobs.validation import validate
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Ending, Result
from reconciler.render.jobs import happening_text, job_row, job_text

KINDS = [EventKind.PROGRESS, EventKind.PERMISSION_REQUIRED, EventKind.COMPLETED]


@pytest.fixture
def records(tmp_path: Path):
    return desk(tmp_path)


def _wrapped(token: str) -> str:
    return f"tool: done {token[:30]}\n  {token[30:]}"


def _leaks(folder: Path, token: str, but: str) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and str(path) != but]
    assert files
    return [str(path) for path in files if any(piece in path.read_text() for piece in (token, token[:30], token[30:]))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", [lambda token: f"done {token}", _wrapped], ids=["whole", "wrapped"])
def test_an_event_that_repeats_it_is_told_and_kept_without(records, tmp_path: Path, kind: EventKind, said):
    job = opened(records)
    token = job.auth_token
    judged = record_heard(records, job.id, [event(job, 1, kind, detail=said(token))])
    told = [line for each in judged.happenings for line in happening_text(each)]
    row = job_row(read(records, job.id), "audit")
    told += [json.dumps(row), *job_text(row, records.clock.now())]
    assert any("[auth_token]" in line for line in told)
    assert not any(token[:30] in line or token[30:] in line for line in told)
    assert _leaks(tmp_path, token, path_of(records, job.id)) == []
    assert Path(path_of(records, job.id)).read_text().count(token) == 1
    again = judge(judged.job, [event(job, 1, kind, detail=said(token))])
    assert token not in repr(again.happenings)


def test_its_delivery_its_end_and_its_validation_are_kept_without(records, tmp_path: Path):
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ngrep -h auth_token {tmp_path}/jobs/*.json\n")
    script.chmod(0o755)
    job = opened(records, workdir=str(tmp_path))
    token = job.auth_token
    note_delivery(records, job.id, {"verdict": "submitted", "detail": f"it shows {token}"}, delivered=True)
    found = validate(records, job, str(script))
    ended = end_job(records, job.id, Result(Ending.CANCELLED, f"because of {token}", now(records)))
    assert "[auth_token]" in found.output
    assert token not in repr((found, ended.result, ended.delivery))
    assert _leaks(tmp_path, token, path_of(records, job.id)) == []


def test_a_record_that_an_older_version_made_is_published_without(records):
    job = opened(records)
    path = Path(path_of(records, job.id))
    content = json.loads(path.read_text())
    content |= {
        "status": "completed",
        "result": {"ending": "completed", "detail": job.auth_token, "at": job.created_at},
    }
    path.write_text(json.dumps(content))
    assert job_row(read(records, job.id), "")["result"]["detail"] == "[auth_token]"


def test_a_publisher_sends_it_to_nobody_not_even_where_a_detail_is_cut(records):
    job = opened(records)
    Path(outbox_of(records, job.id).folder).mkdir()
    _put(records, job, EventKind.PROGRESS, "x" * (LONGEST_DETAIL - 40) + job.auth_token)
    [kept] = waiting(outbox_of(records, job.id))
    assert job.auth_token[:16] not in kept.payload.decode()

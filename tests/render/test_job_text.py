"""What people read of jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from reconciler.model.event_kind import EventKind
from reconciler.model.job import (
    Abandoned,
    Accepted,
    ConnectionBack,
    ConnectionLost,
    Dropped,
    DropReason,
    Ended,
    Ending,
    Ignored,
    Job,
    JobEvent,
    JobStatus,
    Permission,
    ResendFailed,
    Resent,
    Result,
)
from reconciler.render.jobs import (
    audit_text,
    happening_text,
    job_row,
    job_text,
    jobs_document,
    jobs_text,
    validation_document,
)

NOW = datetime(2026, 6, 25, 4, tzinfo=UTC)
AT = "2026-06-25T03:00:00.000Z"
JOB = Job("j1", "do\nit", "codex", "tmux:w-creator-codex", "/w", 60, 5, AT, AT, "t/j1/events", "f" * 64)
ASKING = replace(JOB, status=JobStatus.RUNNING, permission=Permission("r1", "Bash", "rm -r build", AT))
DONE = replace(JOB, status=JobStatus.COMPLETED, result=Result(Ending.COMPLETED, "3 tests fixed", AT))


def event(kind, detail=""):
    return JobEvent("j1", kind, detail, AT, "p", 1, "e1")


@pytest.mark.parametrize(
    ("happening", "lines"),
    [
        (Accepted(JOB, event(EventKind.STARTED)), ["j1  started"]),
        (Accepted(JOB, event(EventKind.PROGRESS, "half\x1b[2J\nway")), [r"j1  progress: half\x1b[2J\nway"]),
        (
            Accepted(ASKING, event(EventKind.PERMISSION_REQUIRED, "Bash:rm -r build")),
            ["j1  permission_required: Bash:rm -r build", "  -> reconciler job answer --job j1"],
        ),
        (Ignored(DONE, event(EventKind.STARTED)), ["j1  started (ignored: the job is completed)"]),
        (Dropped("j1", DropReason.FORGED), ["j1  dropped a message: forged"]),
        (Dropped("", DropReason.FOREIGN_TOPIC), ["no job of ours  dropped a message: foreign_topic"]),
        (Ended(DONE), ["j1  ended: completed"]),
        (Abandoned("j1", "no job has the id j1"), ["j1  no longer followed: no job has the id j1"]),
        (ConnectionLost(), ["Lost the connection to the broker; reconnecting. Timeouts keep running."]),
        (ConnectionBack(), ["Reconnected to the broker."]),
        (Resent(1), ["Sent 1 event that had been waiting on disk."]),
        (
            ResendFailed("it is full"),
            ["Events from the disk were counted, but the broker does not have them yet: it is full"],
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_each_thing_that_happens_is_told(happening, lines):
    assert list(happening_text(happening)) == lines


def test_each_job_is_one_line_that_tells_what_matters_most():
    document = jobs_document([job_row(job, "/a") for job in (JOB, ASKING, DONE)], ())
    assert list(jobs_text(document, NOW)) == [
        "JOB  STATUS     AGENT  SESSION          AGE  DETAIL",
        "j1   pending    codex  w-creator-codex  1h",
        "j1   running    codex  w-creator-codex  1h   asks for permission: Bash: rm -r build",
        "j1   completed  codex  w-creator-codex  1h   3 tests fixed",
    ]


@pytest.mark.parametrize(("exit_code", "detail"), [(0, "3 tests fixed"), (3, "validation: FAIL (exit 3)")])
def test_what_the_script_found_is_told_where_it_found_fault(exit_code, detail):
    row = {**job_row(replace(DONE, validate="/s"), "/a"), "validation": validation_document(exit_code, "out")}
    (_, line) = jobs_text({"jobs": [row]}, NOW)
    assert line.endswith(f"1h   {detail}")
    facts = dict(line.split("  ", 1) for line in job_text(row, NOW))
    assert facts["validate"].strip().startswith("/s: PASS" if exit_code == 0 else "/s: FAIL (exit 3)")


def test_without_jobs_there_is_a_hint():
    (line,) = jobs_text(jobs_document((), ()), NOW)
    assert "reconciler job submit" in line


def test_one_job_is_told_a_fact_a_line():
    facts = dict(line.split("  ", 1) for line in job_text(job_row(ASKING, "/a/j1"), NOW))
    assert facts["prompt"].strip() == "do…"
    assert facts["answer"].strip() == "reconciler job answer --job j1"
    assert facts["audit"].strip() == "/a/j1"


def test_no_secret_is_in_a_row():
    assert "f" * 64 not in str(job_row(replace(JOB, broker={"password": "hush"}), "/a"))
    assert "hush" not in str(job_row(replace(JOB, broker={"password": "hush"}), "/a"))


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"what": "created"}, "T  pending    created"),
        (
            {"what": "accepted", "event": "progress", "detail": "x\x1b[0m"},
            r"T  pending    accepted    progress, x\x1b[0m",
        ),
        ({"what": "dropped", "reason": "forged"}, "T  pending    dropped     forged"),
        (
            {"what": "delivery", "delivery": {"verdict": "submitted", "evidence": "event", "detail": ""}},
            "T  pending    delivery    submitted, event",
        ),
        ({"what": "validation", "script": "/s", "exit_code": 0}, "T  pending    validation  /s, 0"),
    ],
)
def test_a_line_of_the_audit_is_told(entry, line):
    assert audit_text({"at": "T", "status": "pending", **entry}) == line

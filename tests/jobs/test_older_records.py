"""Job records that the original scripts wrote: how each is read, and what a write leaves of it."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from jobs.desk import event
from msgspec import to_builtins
from msgspec.structs import replace

from reconciler.agents.catalogue import DEFAULT
from reconciler.jobs.older import STATUS_WORDS
from reconciler.jobs.prune import prunable
from reconciler.jobs.publish import Outcome, publish
from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import Records, look, look_at_all, path_of, read, update
from reconciler.jobs.sign import SeenEvents, sign, verify_hmac
from reconciler.jobs.transitions import end_job, record_heard
from reconciler.jobs.warnings import record_warnings
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Accepted, DropReason, Ending, JobStatus, Result
from reconciler.model.moment import parse_zoned
from reconciler.ports.bus import Message
from reconciler.ports.files import RealFiles

CASES = {
    path.stem: json.loads(path.read_text().replace("CLI", DEFAULT))
    for path in sorted(Path(__file__, "..", "older").resolve().glob("*.json"))
}
READABLE = {name: case for name, case in CASES.items() if "mistakes" not in case}
BROKEN = {name: case for name, case in CASES.items() if "mistakes" in case}
CHANGED = parse_zoned("2026-06-25T03:19:24Z").timestamp()
TOKEN = "5f0c9a3e-1b2c-4d5e-8f90-123456789abc"


def shelf(folder: Path, record: object, job_id: str = "smoke", clock: FakeClock | None = None) -> Records:
    """A folder of records with this one, which the scripts left there."""
    (folder / "jobs").mkdir(exist_ok=True)
    path = folder / "jobs" / f"{job_id}.json"
    path.write_text(json.dumps(record, indent=1))
    os.utime(path, (CHANGED, CHANGED))
    env = {"DELEGATE_JOB_LOGS_DIR": str(folder / "logs")}
    return Records(str(folder / "jobs"), RealFiles(), clock or FakeClock(), env, "/project")


def content(records: Records, job_id: str = "smoke") -> dict[str, object]:
    return json.loads(Path(path_of(records, job_id)).read_text())


@pytest.mark.parametrize("case", READABLE.values(), ids=READABLE)
def test_an_older_record_is_read_as_far_as_it_goes(tmp_path, case):
    records = shelf(tmp_path, case["record"])
    found = look(records, "smoke")
    job = to_builtins(found.job)
    assert {key: job[key] for key in case["job"]} == case["job"]
    assert all(each.place.file == path_of(records, "smoke") for each in found.assumptions)
    told = {each.subject: f"{each.found} -> {each.assumed}" for each in found.assumptions}
    lines = {each.subject: f" (line {each.place.line})" if each.place.line else "" for each in found.assumptions}
    said = {key: told[key] + lines[key] for key in told}
    assert {key: said[key] for key in case["assumptions"]} == case["assumptions"]
    if len(case["record"]) in {1, 13}:  # those cases list everything that is assumed
        assert said == case["assumptions"]


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_everything_that_is_wrong_with_a_record_is_told_at_once_with_its_line(tmp_path, case):
    records = shelf(tmp_path, case["record"])
    with pytest.raises(RecordUnreadable) as caught:
        read(records, "smoke")
    begin = "the record of job smoke is broken: "
    told = [f"{each.place.line} {each.summary.removeprefix(begin)}" for each in caught.value.diagnostics]
    assert told == case["mistakes"]
    assert all(each.place.file == path_of(records, "smoke") and each.fix for each in caught.value.diagnostics)
    assert "letmein" not in str(vars(caught.value))


def test_the_line_of_what_is_not_json_is_told(tmp_path):
    records = shelf(tmp_path, {"prompt": "p"})
    Path(path_of(records, "smoke")).write_text('{"job_id": "smoke",\n "prompt": \n')
    with pytest.raises(RecordUnreadable, match="not JSON") as caught:
        read(records, "smoke")
    assert str(caught.value.diagnostics[0].place).startswith(f"{path_of(records, 'smoke')}:3")


IDS = [
    "5f0c9a3e-1b2c-4d5e-8f90-123456789abc",
    "0c7e2f1a",
    "job-17",
    "job_1782357564.5",
    "2026-06-25T03:19:24.123Z",
    "_1",
]


@pytest.mark.parametrize("job_id", IDS)
def test_ids_as_scripts_make_them_are_ids(tmp_path, job_id):
    records = shelf(tmp_path, {"job_id": job_id, "prompt": "p"}, job_id)
    assert read(records, job_id).id == job_id
    assert [each.job.id for each in look_at_all(records)[0]] == [job_id]


def test_a_file_whose_name_is_not_an_id_is_told_and_never_passed_over(tmp_path):
    records = shelf(tmp_path, {"prompt": "p"}, "-rf")
    jobs, broken = look_at_all(records)
    assert (jobs, len(broken)) == ((), 1)
    assert "its name is not a job id" in broken[0].summary


# --- written again ----------------------------------------------------------------------------

EVERY_END = list(Ending)


@pytest.mark.parametrize("case", READABLE.values(), ids=READABLE)
def test_a_write_keeps_every_key_of_the_scripts_and_is_read_as_it_was_meant(tmp_path, case):
    records = shelf(tmp_path, {**case["record"], "theirs": {"x": [1]}})
    before = read(records, "smoke")
    changed = update(records, "smoke", lambda job: replace(job, seen={"p": 1}))
    assert read(records, "smoke") == changed == replace(before, seen={"p": 1}, updated_at=changed.updated_at)
    after, ours = content(records), {"seen", "updated_at", "created_at", "result", "job_id"}
    assert {key: after[key] for key in case["record"].keys() - ours} == {
        key: value for key, value in case["record"].items() if key not in ours
    }
    assert (after["theirs"], after["job_id"]) == ({"x": [1]}, "smoke")
    assert after.keys() <= {*case["record"], *ours, "theirs"}
    assert "id" not in after


def test_the_times_that_the_file_told_stay_when_it_is_written(tmp_path):
    records = shelf(tmp_path, {"job_id": "smoke", "prompt": "p"})
    made = read(records, "smoke").created_at
    update(records, "smoke", lambda job: replace(job, seen={"p": 1}))
    assert read(records, "smoke").created_at == made == "2026-06-25T03:19:24.000Z"


@pytest.mark.parametrize("ending", EVERY_END)
def test_a_job_of_the_scripts_can_end(tmp_path, ending):
    records = shelf(tmp_path, {"job_id": "smoke", "prompt": "p", "status": "in_progress", "pid": 7})
    end_job(records, "smoke", Result(ending, "why", "2026-06-25T04:00:00.000Z"))
    after = content(records)
    assert (after["status"], after["pid"], after["job_id"]) == (ending.status, 7, "smoke")
    assert read(records, "smoke").result == Result(ending, "why", "2026-06-25T04:00:00.000Z")


# --- events -----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "letmein", None, 7, "python/mqtt/jobs/smoke/events"])
def test_without_a_usable_token_no_event_counts_and_none_is_signed(tmp_path, token):
    records = shelf(tmp_path, {"job_id": "smoke", "prompt": "p", "auth_token": token})
    job = read(records, "smoke")
    plain = json.dumps({"job_id": "smoke", "event": "completed"}).encode()
    guessed = sign(event(job, kind=EventKind.COMPLETED), str(token or "x"))
    now, seen = records.clock.now(), SeenEvents({})
    assert verify_hmac(Message(job.topic, plain), job, seen, now) is DropReason.UNSIGNED
    assert verify_hmac(Message(job.topic, guessed), job, seen, now) is DropReason.UNVERIFIABLE
    done = publish(records, "smoke", EventKind.COMPLETED)
    assert (done.outcome, bool(done.fix)) == (Outcome.FAILED, True)
    with pytest.raises(ValueError, match="token"):
        sign(event(job), "")


def test_a_long_token_of_another_form_signs_and_is_hidden(tmp_path):
    records = shelf(
        tmp_path, {"job_id": "smoke", "prompt": "p", "auth_token": TOKEN, "created_at": "2026-01-01T00:00:00Z"}
    )
    job = read(records, "smoke")
    said = event(job, kind=EventKind.COMPLETED, detail=f"the token is {TOKEN}")
    genuine = Message(job.topic, sign(said, TOKEN))
    assert verify_hmac(genuine, job, SeenEvents({}), records.clock.now()) == said
    forged = Message(job.topic, sign(said, TOKEN.replace("5", "6")))
    assert verify_hmac(forged, job, SeenEvents({}), records.clock.now()) is DropReason.FORGED
    judged = record_heard(records, "smoke", [said])
    assert isinstance(judged.happenings[0], Accepted)
    assert read(records, "smoke").result.detail == "the token is [auth_token]"


# --- never a job too few ----------------------------------------------------------------------


@given(st.text(max_size=20))
def test_no_word_that_is_unknown_ends_a_job(word):
    from reconciler.jobs.older import RecordFile, modernized
    from reconciler.model.diagnostic import Place

    file = RecordFile("smoke", "/p", "/project", CHANGED)
    made = modernized(file, {"job_id": "smoke", "status": word}, lambda _key: Place("/p"))
    known = word.strip().lower().replace("-", "_").replace(" ", "_") in STATUS_WORDS
    assert known or made.content["status"] == JobStatus.PENDING


def test_only_jobs_that_ended_long_ago_are_pruned(tmp_path):
    shelf(tmp_path, {"job_id": "open", "prompt": "p", "status": "weird"}, "open")
    records = shelf(tmp_path, {"job_id": "old", "prompt": "p", "status": "done"}, "old")
    jobs = [each.job for each in look_at_all(records)[0]]
    later = parse_zoned("2026-07-25T03:19:24Z")
    assert [job.id for job in prunable(jobs, timedelta(days=1), later)] == ["old"]


# --- what the user is told --------------------------------------------------------------------


def test_one_warning_for_each_kind_whatever_the_number_of_records(tmp_path):
    broker = {"host": "h", "username": "u", "password": "hunter22"}
    for number in range(3):
        records = shelf(tmp_path, {"job_id": f"j{number}", "prompt": "p", "broker": broker}, f"j{number}")
    warnings = record_warnings(look_at_all(records)[0])
    assert [each.summary for each in warnings] == [
        "3 job records are of other scripts: what they do not say is assumed",
        "3 open jobs have no usable `auth_token`: no event of it can be verified, so none counts",
        "3 job records hold the broker's password in plain text",
    ]
    assert all(each.place.file == path_of(records, "j0") and each.fix for each in warnings)
    assert warnings[-1].place.line == 7
    assert "reconciler adopt --write" in warnings[-1].fix
    assert "hunter22" not in str(warnings)


def test_a_complete_record_gives_no_warning(tmp_path):
    from jobs.desk import desk, opened

    records = desk(tmp_path)
    opened(records)
    assert record_warnings(look_at_all(records)[0]) == ()

"""What jobs say of their agents, and whom a message is believed."""

import pytest
from fakes.clock import FakeClock
from msgspec.structs import replace

from reconciler.jobs.record import NewJob, Records, read
from reconciler.jobs.sign import sign
from reconciler.jobs.transitions import end_job, note_delivery, open_job, record_heard
from reconciler.model.broker import Connection
from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.errors import ReconcilerError
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Accepted, DropReason, Ending, JobEvent, JobStatus, Permission, Result
from reconciler.model.moment import to_millisecond
from reconciler.model.record import Record, SessionRow, Status
from reconciler.monitor import subscribe
from reconciler.monitor.subscribe import EndedJobs, EventVerifier, JobRecordCache, is_private, notes
from reconciler.ports.bus import Message
from reconciler.ports.files import RealFiles

NOW = "2026-01-01T00:10:00Z"
SESSION = "lab-creator-claude"


@pytest.fixture
def records(tmp_path):
    return Records(str(tmp_path / "jobs"), RealFiles(), FakeClock())


@pytest.fixture
def job(records, tmp_path):
    return open_job(records, NewJob("do it", "claude", f"tmux:{SESSION}", str(tmp_path)))


@pytest.fixture
def verifier(records):
    return EventVerifier(JobRecordCache(records), "python/mqtt/jobs")


def event(job, kind=EventKind.COMPLETED, seq=1):
    return JobEvent(job.id, kind, "", to_millisecond(FakeClock().now()), "claude", seq, f"event-{seq}")


def message(job, kind=EventKind.COMPLETED, seq=1, token=""):
    return Message(job.topic, sign(event(job, kind, seq), token or job.auth_token))


# --- notes ------------------------------------------------------------------------------------


def row(**fields):
    return SessionRow(SESSION, "lab", "claude", updated_at="2026-01-01T00:00:00Z", **fields)


def noted(jobs, of):
    return [edit.fields["last_visible_note"] for edit in notes(jobs, Record(sessions={SESSION: of}), NOW)]


def test_a_row_tells_of_the_newest_job(job):
    done = replace(job, status=JobStatus.COMPLETED, updated_at="2026-01-01T00:01:00.000Z")
    later = replace(job, id="later", status=JobStatus.RUNNING, updated_at="2026-01-01T00:02:00.000Z")
    assert noted([later, done], row()) == ["job later running"]


def test_a_row_tells_that_an_agent_waits(job):
    asking = replace(job, status=JobStatus.RUNNING, permission=Permission("r", "Bash", "ls", NOW))
    assert noted([asking], row()) == [f"job {job.id} waits for a permission"]


def test_a_row_that_says_it_already_or_something_newer_is_left_alone(job):
    assert noted([job], row(note=f"job {job.id} pending")) == []
    assert noted([job], replace(row(), updated_at="2026-01-01T00:00:01Z")) == []


def test_a_note_of_the_user_is_not_replaced_by_a_job(job):
    assert noted([job], row(note="working on the header")) == []
    assert noted([job], row(note="started by reconciler")) == [f"job {job.id} pending"]
    assert noted([job], row(note="job other completed")) == [f"job {job.id} pending"]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.TERMINATED, Status.ARCHIVED])
def test_an_agent_at_rest_is_left_alone(job, status):
    assert noted([job], row(status=status)) == []


# --- messages ---------------------------------------------------------------------------------


def test_a_genuine_event_is_recorded(records, job, verifier):
    verifier.record(message(job))
    assert read(records, job.id).status is JobStatus.COMPLETED
    assert verifier.dropped == {}


def test_a_job_that_an_event_has_ended_is_told_once(job, verifier):
    ended = EndedJobs(verifier.cache)
    verifier.record(message(job, EventKind.PROGRESS))
    assert ended.take() == []
    verifier.record(message(job, seq=2))
    assert [each.id for each in ended.take()] == [job.id]
    assert ended.take() == []


def test_a_job_is_told_that_another_follower_was_faster_to_record(records, job, verifier):
    ended = EndedJobs(verifier.cache)
    record_heard(records, job.id, [event(job)])
    verifier.record(message(job))
    assert [each.id for each in ended.take()] == [job.id]
    assert verifier.dropped == {}


@pytest.mark.parametrize("recorded", [1, 2, 3])
def test_what_another_follower_was_faster_to_record_is_no_fault_and_is_recorded_once(records, job, verifier, recorded):
    kinds = [EventKind.STARTED, EventKind.PROGRESS, EventKind.COMPLETED]
    record_heard(records, job.id, [event(job, kind, seq) for seq, kind in enumerate(kinds[:recorded], 1)])
    before = read(records, job.id)

    told = [each for seq, kind in enumerate(kinds[:recorded], 1) for each in verifier.record(message(job, kind, seq))]

    assert [(type(each), each.event.seq) for each in told] == [(Accepted, seq + 1) for seq in range(recorded)]
    assert verifier.dropped == {}
    assert read(records, job.id) == before


def test_what_is_received_again_is_dropped_whoever_recorded_it(records, job, verifier):
    record_heard(records, job.id, [event(job, EventKind.STARTED)])
    for _ in range(2):
        verifier.record(message(job, EventKind.STARTED))
    verifier.record(Message(job.topic, sign(replace(event(job, EventKind.STARTED), id="other"), job.auth_token)))
    assert verifier.dropped == {DropReason.REPLAYED_ID: 1, DropReason.REPLAYED_SEQ: 1}


def test_what_was_on_record_before_anybody_listened_is_not_heard_again(records, job):
    record_heard(records, job.id, [event(job, EventKind.STARTED)])
    verifier = EventVerifier(JobRecordCache(records), "python/mqtt/jobs")
    verifier.record(message(job, EventKind.STARTED))
    assert verifier.dropped == {DropReason.REPLAYED_SEQ: 1}


def test_what_could_not_be_recorded_may_come_again(records, job, verifier, monkeypatch):
    def full(*_):
        raise ReconcilerError("the disk is full")

    with monkeypatch.context() as fault:
        fault.setattr(subscribe, "record_heard", full)
        with pytest.raises(ReconcilerError):
            verifier.record(message(job))
    verifier.record(message(job))
    assert read(records, job.id).status is JobStatus.COMPLETED


def test_jobs_that_ended_before_or_without_an_event_or_never_reached_an_agent_are_not_told(records, tmp_path, verifier):
    before, silent, refused = (
        open_job(records, NewJob("do it", "claude", f"tmux:{SESSION}", str(tmp_path))) for _ in range(3)
    )
    verifier.record(message(before))
    ended = EndedJobs(verifier.cache)
    end_job(records, silent.id, Result(Ending.TIMEOUT, "", to_millisecond(FakeClock().now())))
    note_delivery(records, refused.id, {"verdict": DeliveryVerdict.REFUSED_BUSY}, delivered=False)
    verifier.record(message(refused, EventKind.ERROR))
    assert ended.take() == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", DropReason.MALFORMED),
        (b'{"event":"completed"}', DropReason.UNSIGNED),
        (b'{"event":"completed","hmac":"' + b"0" * 64 + b'"}', DropReason.FORGED),
        (b" " * 20_000, DropReason.OVERSIZED),
    ],
)
def test_what_is_not_genuine_is_dropped_and_counted(records, job, verifier, payload, reason):
    verifier.record(Message(job.topic, payload))
    verifier.record(Message(job.topic, payload))
    assert verifier.dropped == {reason: 2}
    assert read(records, job.id).status is JobStatus.PENDING


def test_the_token_of_another_job_signs_nothing(job, verifier):
    verifier.record(message(job, token="ab" * 32))
    assert verifier.dropped == {DropReason.FORGED: 1}


def test_a_message_about_no_job_of_ours_is_dropped_unless_the_broker_has_kept_it(verifier):
    verifier.record(Message("python/mqtt/jobs/nobody/events", b"{}"))
    verifier.record(Message("python/mqtt/jobs/../../events", b"{}"))
    verifier.record(Message("python/mqtt/jobs/nobody/events", b"{}", retained=True))
    assert verifier.dropped == {DropReason.FOREIGN_TOPIC: 2}


@pytest.mark.parametrize(
    ("connection", "private"),
    [
        (Connection(host="b", tls=True, username="u"), True),
        (Connection(host="b", tls=True, certfile="c", keyfile="k"), True),
        (Connection(host="b", tls=True), False),
        (Connection(host="b", username="u"), False),
    ],
)
def test_a_private_broker_has_tls_and_a_login(connection, private):
    assert is_private(connection) is private

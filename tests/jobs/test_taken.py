"""A job of another host: its record here, and what is told of it there, once and in order."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from fakes.clock import EPOCH, FakeClock
from jobs.desk import desk, now
from jobs.test_envelope import JOB, WHOLE
from msgspec.structs import replace

from reconciler.jobs.envelope import unpacked
from reconciler.jobs.publish import publish
from reconciler.jobs.record import Records, home_of, read, update
from reconciler.jobs.sign import SeenEvents, verify_hmac
from reconciler.jobs.taken import Workplace, claim_of, last_event, note_done, take, taken_jobs, tell, told, why_dead
from reconciler.jobs.taken import _note as note
from reconciler.jobs.transitions import end_job, record_heard
from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.destination import Destination
from reconciler.model.event_kind import EventKind
from reconciler.model.job import DropReason, Ending, Job, JobEvent, JobStatus, Result, after_event
from reconciler.model.moment import parse_zoned
from reconciler.ports.bus import BusUnreachable, Cause, Message
from reconciler.ports.queue import Claim

MADE = parse_zoned(JOB.created_at)
CLAIM = Claim(JOB.id, Destination(host="b"), WHOLE)
THERE = Workplace("b", "agent.lab.claude", "/nowhere", "/nowhere/check")


class Remembering:
    """A bus that keeps what is published, and can be away."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.away_after = 1000

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if len(self.messages) >= self.away_after:
            raise BusUnreachable(Cause.NO_ANSWER, "away")
        self.messages.append(Message(topic, payload, retain))

    def heard(self, origin: Job) -> list[JobEvent | DropReason]:
        """What the host that submitted the job makes of it."""
        seen, found = SeenEvents({}), []
        for message in self.messages:
            verdict = verify_hmac(message, origin, seen, MADE)
            if isinstance(verdict, JobEvent):
                seen.add(verdict)
            found.append(verdict)
        return found


@pytest.fixture
def records(tmp_path: Path) -> Records:
    clock = FakeClock()
    clock.wait((MADE - EPOCH).total_seconds())
    return desk(tmp_path, clock)


def taken(records: Records) -> Job:
    return take(records, CLAIM, unpacked(WHOLE, JOB.id), THERE)


def kinds(found: list[JobEvent | DropReason]) -> list[str]:
    return [each.event.value if isinstance(each, JobEvent) else each.value for each in found]


def test_the_record_has_the_same_id_and_token_and_says_whose_it_is(records: Records) -> None:
    job = taken(records)
    assert (job.id, job.auth_token, job.topic) == (JOB.id, JOB.auth_token, JOB.topic)
    assert (job.origin, job.host, job.queue, job.broker) == ("a", "b", "host-b", {"local": True})
    assert (job.agent, job.workdir, job.validate) == ("agent.lab.claude", "/nowhere", "/nowhere/check")
    assert [each.id for each in taken_jobs(records)] == [JOB.id]
    assert claim_of(records, job) == replace(CLAIM, tries=1)
    for name in ("order.json", "told.json"):
        assert stat.S_IMODE((Path(home_of(records, job.id)) / name).stat().st_mode) == 0o600


def test_each_thing_is_told_once_and_in_order(records: Records) -> None:
    job, bus = taken(records), Remembering()
    assert tell(records, job, bus)
    assert not tell(records, job, bus)
    publish(records, job.id, EventKind.STARTED)
    publish(records, job.id, EventKind.PROGRESS, "half")
    tell(records, job, bus)
    publish(records, job.id, EventKind.COMPLETED, "all done")
    tell(records, job, bus)
    assert kinds(bus.heard(JOB)) == ["claimed", "started", "progress"], "the end is told with what came of it"
    assert isinstance(bus.heard(JOB)[0], JobEvent)
    assert bus.heard(JOB)[0].detail == "b"


def test_what_could_not_be_told_is_told_later(records: Records) -> None:
    job, bus = taken(records), Remembering()
    bus.away_after = 1
    publish(records, job.id, EventKind.STARTED)
    with pytest.raises(BusUnreachable):
        tell(records, job, bus)
    bus.away_after = 1000
    tell(records, job, bus)
    assert kinds(bus.heard(JOB)) == ["claimed", "started"]


def test_a_runner_killed_right_after_it_told_something_tells_it_again_and_that_does_no_harm(records: Records) -> None:
    job, bus = taken(records), Remembering()
    before = told(records, job.id)
    publish(records, job.id, EventKind.STARTED)
    tell(records, job, bus)
    note(records, job.id, before)
    tell(records, job, bus)
    assert kinds(bus.heard(JOB))[:2] == ["claimed", "started"]
    assert not any(isinstance(each, JobEvent) for each in bus.heard(JOB)[2:]), "the second time is a replay"


@pytest.mark.parametrize(
    ("ending", "delivery", "status"),
    [
        (Ending.COMPLETED, DeliveryVerdict.SUBMITTED, JobStatus.COMPLETED),
        (Ending.ERROR, DeliveryVerdict.SUBMITTED, JobStatus.ERROR),
        (Ending.IDLE_TIMEOUT, DeliveryVerdict.UNVERIFIED, JobStatus.TIMED_OUT),
        (Ending.CANCELLED, None, JobStatus.CANCELLED),
    ],
)
def test_the_end_is_told_as_it_was_and_always_in_the_same_words(
    records: Records, ending: Ending, delivery: DeliveryVerdict | None, status: JobStatus
) -> None:
    job = taken(records)
    if delivery:
        update(records, job.id, lambda job: replace(job, delivery={"verdict": delivery.value}))
    ended = end_job(records, job.id, Result(ending, "the end", now(records)))
    ended = update(records, job.id, lambda job: replace(job, validated=3))
    last = last_event(records, ended)
    assert last_event(records, ended) == last
    event = verify_hmac(last, JOB, SeenEvents({}), MADE)
    assert isinstance(event, JobEvent)
    there = after_event(replace(JOB, queue="host-b"), event)
    assert there
    assert there.result
    assert (there.status, there.result.ending, there.result.detail) == (status, ending, "the end")
    assert (there.validated, there.delivery) == (3, {"verdict": delivery.value} if delivery else None)


def test_an_agent_of_this_host_cannot_say_how_a_job_ended_elsewhere() -> None:
    event = JobEvent(JOB.id, EventKind.COMPLETED, "", JOB.created_at, "p", 1, "i", Ending.CANCELLED, None, 7)
    here = after_event(JOB, event)
    assert here
    assert here.result
    assert (here.result.ending, here.validated) == (Ending.COMPLETED, None)


@pytest.mark.parametrize(
    ("ending", "verdict", "spoke", "dead"),
    [
        (Ending.ERROR, None, False, "the end"),
        (Ending.TIMEOUT, None, False, "the end"),
        (Ending.ERROR, DeliveryVerdict.TOO_LONG, False, "the end"),
        (Ending.IDLE_TIMEOUT, DeliveryVerdict.UNVERIFIED, False, "uncertain"),
        (Ending.TIMEOUT, DeliveryVerdict.TYPED_NOT_SUBMITTED, False, "uncertain"),
        (Ending.IDLE_TIMEOUT, DeliveryVerdict.UNVERIFIED, True, ""),
        (Ending.IDLE_TIMEOUT, DeliveryVerdict.SUBMITTED, False, ""),
        (Ending.ERROR, DeliveryVerdict.SUBMITTED, True, ""),
        (Ending.COMPLETED, DeliveryVerdict.UNVERIFIED, True, ""),
        (Ending.CANCELLED, None, False, ""),
    ],
)
def test_a_job_is_a_dead_letter_only_if_nothing_shows_that_its_agent_got_it(
    records: Records, ending: Ending, verdict: DeliveryVerdict | None, spoke: bool, dead: str
) -> None:
    job = taken(records)
    event_id = "e1" if spoke else ""
    update(records, job.id, lambda job: replace(job, delivery={"verdict": verdict.value} if verdict else None))
    ended = end_job(records, job.id, Result(ending, "the end", now(records), event_id))
    assert bool(why_dead(ended)) == bool(dead)
    assert dead in why_dead(ended)


def test_a_job_about_which_all_was_told_is_not_taken_up_again(records: Records) -> None:
    job = taken(records)
    note_done(records, job.id)
    assert taken_jobs(records) == ()
    assert not told(records, job.id).elsewhere


def test_a_damaged_note_loses_nothing_but_its_numbers(records: Records) -> None:
    job, bus = taken(records), Remembering()
    publish(records, job.id, EventKind.STARTED)
    tell(records, job, bus)
    (Path(home_of(records, job.id)) / "told.json").write_text("{")
    tell(records, job, bus)
    assert kinds(bus.heard(JOB)).count("started") == 1


def test_claiming_moves_nothing_but_the_host() -> None:
    away = replace(JOB, queue="host-b")
    event = JobEvent(JOB.id, EventKind.CLAIMED, "b", JOB.created_at, "p", 1, "i")
    assert after_event(away, event) == replace(away, host="b")
    ended = after_event(away, replace(event, event=EventKind.COMPLETED, seq=2))
    assert ended
    assert after_event(ended, event) is None


def test_what_another_follower_recorded_counts_as_heard(records: Records) -> None:
    job = taken(records)
    event = JobEvent(job.id, EventKind.STARTED, "", now(records), "p", 1, "i")
    assert record_heard(records, job.id, [event]).job.status is JobStatus.RUNNING
    assert read(records, job.id).status is JobStatus.RUNNING

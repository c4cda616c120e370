"""A job that another host began: nobody types it again, and somebody sees to its end."""

from __future__ import annotations

from jobs.test_envelope import JOB, WHOLE
from msgspec.structs import replace

from reconciler.jobs.guard import WHY_SILENT, Guard, silent_event
from reconciler.jobs.sign import SeenEvents, sign, verify_hmac
from reconciler.model.destination import Destination
from reconciler.model.event_kind import EventKind
from reconciler.model.job import JobEvent
from reconciler.model.moment import parse_zoned
from reconciler.ports.bus import Message
from reconciler.ports.queue import Claim

NOW = parse_zoned(JOB.created_at)


def said(kind: EventKind, seq: int, token: str = JOB.auth_token) -> Message:
    event = JobEvent(JOB.id, kind, "", JOB.created_at, "p", seq, f"id{seq}")
    return Message(JOB.topic, sign(event, token))


def guard() -> Guard:
    return Guard(Claim(JOB.id, Destination(pool="claude"), WHOLE), JOB, deadline=30.0)


def test_a_sign_of_life_gives_more_time_and_the_end_is_heard() -> None:
    watched = guard()
    assert not watched.hear(said(EventKind.PROGRESS, 1), NOW, 20.0)
    assert watched.deadline == 20.0 + JOB.idle_timeout
    assert watched.hear(said(EventKind.COMPLETED, 2), NOW, 25.0)


def test_what_is_forged_or_said_twice_is_no_sign_of_life() -> None:
    watched = guard()
    assert not watched.hear(said(EventKind.COMPLETED, 1, "cd" * 32), NOW, 20.0)
    assert not watched.hear(replace(said(EventKind.COMPLETED, 1), topic="python/mqtt/jobs/x/events"), NOW, 20.0)
    assert watched.deadline == 30.0
    assert not watched.hear(said(EventKind.PROGRESS, 1), NOW, 20.0)
    before = watched.deadline
    assert not watched.hear(said(EventKind.PROGRESS, 1), NOW, 40.0)
    assert watched.deadline == before


def test_the_host_that_submitted_it_believes_that_nobody_answers() -> None:
    event = verify_hmac(silent_event(JOB, NOW), JOB, SeenEvents({}), NOW)
    assert isinstance(event, JobEvent)
    assert (event.event, event.detail) == (EventKind.ERROR, WHY_SILENT)

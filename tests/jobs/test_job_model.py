"""Which statuses follow from which events."""

from __future__ import annotations

import pytest
from fakes.clock import EPOCH
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.event_kind import EventKind
from reconciler.model.job import (
    TRANSITIONS,
    Ending,
    Job,
    JobEvent,
    JobStatus,
    Result,
    after_end,
    after_event,
    with_status,
)
from reconciler.model.moment import to_millisecond

AT = to_millisecond(EPOCH)
JOB = Job("j1", "p", "a", "tmux:s", "/w", 3600, 120, AT, AT, "python/mqtt/jobs/j1/events", "0" * 64)
FINAL = {JobStatus.COMPLETED, JobStatus.ERROR, JobStatus.TIMED_OUT, JobStatus.CANCELLED}


def said(kind: EventKind, detail: str = "", number: int = 1) -> JobEvent:
    return JobEvent("j1", kind, detail, AT, "p", number, f"id{number}")


@given(st.lists(st.sampled_from(EventKind)))
def test_no_sequence_of_events_leads_out_of_an_end(kinds):
    job = JOB
    for number, kind in enumerate(kinds, 1):
        moved = after_event(job, said(kind, number=number))
        assert (moved is None) == job.ended
        assert moved is None or moved.status in TRANSITIONS[job.status] | {job.status}
        job = moved or job
    first = next((kind for kind in kinds if kind.ends_the_job), None)
    assert (job.result and job.result.ending) == first


@given(st.sampled_from(JobStatus), st.sampled_from(JobStatus))
def test_a_status_follows_only_where_the_table_says_so(before, after):
    moved = with_status(replace(JOB, status=before), after)
    assert moved == (replace(JOB, status=after) if after in TRANSITIONS[before] else None)


def test_the_table_knows_every_status_and_nothing_follows_an_end():
    assert set(TRANSITIONS) == set(JobStatus)
    assert {status for status, after in TRANSITIONS.items() if not after} == FINAL


@pytest.mark.parametrize("ending", Ending)
def test_the_first_end_stays(ending):
    ended = after_end(JOB, Result(ending, "", AT))
    assert ended is not None
    assert ended.ended
    assert after_end(ended, Result(Ending.CANCELLED, "", AT)) is None


def test_a_request_for_permission_stands_until_the_agent_says_something_else():
    asking = after_event(JOB, said(EventKind.PERMISSION_REQUIRED, "Bash: rm -r a:b"))
    assert asking is not None
    assert asking.permission is not None
    assert (asking.permission.tool, asking.permission.what) == ("Bash", "rm -r a:b")
    assert asking.permission.request == "id1"
    goes_on = after_event(asking, said(EventKind.PROGRESS))
    assert goes_on is not None
    assert goes_on.permission is None


def test_the_token_and_the_broker_are_never_shown():
    assert "auth_token" not in repr(JOB)
    assert "hidden" not in repr(replace(JOB, broker={"password": "hidden"}))

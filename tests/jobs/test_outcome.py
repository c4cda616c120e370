"""What has become of a job, and the exit code that it means."""

from __future__ import annotations

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from reconciler.jobs.outcome import JobOutcome, detached_outcome, exit_code_of, exit_code_of_all, outcome_of
from reconciler.model.delivery import Delivery, DeliveryVerdict
from reconciler.model.exit_code import ExitCode
from reconciler.model.job import Ending, Job, JobStatus, Result

OPEN = Job("j", "do it", "claude", "tmux:s", "/w", 60, 60, "", "", "topic", "token")


def ended(ending: Ending, verdict: DeliveryVerdict = DeliveryVerdict.SUBMITTED, validated: int | None = None) -> Job:
    delivery = to_builtins(Delivery(verdict))
    return replace(OPEN, status=ending.status, result=Result(ending, "", ""), delivery=delivery, validated=validated)


@pytest.mark.parametrize(
    ("job", "outcome", "code"),
    [
        (OPEN, JobOutcome.OPEN, 8),
        (ended(Ending.COMPLETED), JobOutcome.COMPLETED, 0),
        (ended(Ending.COMPLETED, validated=0), JobOutcome.COMPLETED, 0),
        (ended(Ending.COMPLETED, validated=3), JobOutcome.FAULTY, 1),
        (ended(Ending.ERROR), JobOutcome.FAILED, 1),
        (ended(Ending.ERROR, validated=3), JobOutcome.FAILED, 1),
        (ended(Ending.ERROR, DeliveryVerdict.REFUSED_BUSY), JobOutcome.NOT_DELIVERED, 7),
        (ended(Ending.CANCELLED, DeliveryVerdict.REFUSED_BUSY), JobOutcome.CANCELLED, 1),
        (ended(Ending.TIMEOUT), JobOutcome.TIMED_OUT, 8),
        (ended(Ending.IDLE_TIMEOUT), JobOutcome.SILENT, 9),
    ],
)
def test_a_job_has_an_outcome_and_that_has_an_exit_code(job, outcome, code):
    assert (outcome_of(job), exit_code_of(outcome)) == (outcome, code)


def test_every_ending_and_every_outcome_is_known():
    for ending in Ending:
        assert outcome_of(ended(ending))
    for outcome in JobOutcome:
        assert isinstance(exit_code_of(outcome), ExitCode)


UNPROVED = replace(OPEN, status=JobStatus.PENDING, delivery=to_builtins(Delivery(DeliveryVerdict.UNVERIFIED)))


@pytest.mark.parametrize(
    ("job", "followed", "outcome"),
    [
        (OPEN, True, JobOutcome.DETACHED),
        (OPEN, False, JobOutcome.UNCERTAIN),
        (UNPROVED, True, JobOutcome.UNCERTAIN),
        (ended(Ending.COMPLETED), False, JobOutcome.COMPLETED),
    ],
)
def test_a_detached_job_is_uncertain_unless_it_arrived_and_is_followed(job, followed, outcome):
    assert detached_outcome(job, is_followed=followed) is outcome


@pytest.mark.parametrize(
    ("outcomes", "first", "unreadable", "code"),
    [
        ([], False, False, 0),
        ([], False, True, 1),
        ([JobOutcome.COMPLETED, JobOutcome.SILENT, JobOutcome.FAILED], False, False, 9),
        ([JobOutcome.OPEN, JobOutcome.COMPLETED], False, False, 8),
        ([JobOutcome.OPEN, JobOutcome.COMPLETED], True, False, 0),
        ([JobOutcome.OPEN], True, False, 8),
        ([JobOutcome.SILENT], False, True, 9),
    ],
)
def test_of_several_jobs_the_first_that_is_not_ok_counts(outcomes, first, unreadable, code):
    assert exit_code_of_all(outcomes, first=first, unreadable=unreadable) == code

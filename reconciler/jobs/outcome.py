"""The outcome of a job after a command waited for it, and its exit code. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.exit_code import ExitCode
from reconciler.model.job import Ending, Job


class JobOutcome(StrEnum):
    """The outcome of a job for the command that submitted it or waited for it."""

    DETACHED = "detached"  # it was submitted, and the background follower follows it
    UNCERTAIN = "uncertain"  # it was submitted, but nothing proves that it arrived, or nothing follows it
    OPEN = "open"  # it is still open after the wait
    COMPLETED = "completed"
    FAULTY = "faulty"  # completed, but its validation script failed
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SILENT = "silent"
    NOT_DELIVERED = "not_delivered"


_OF_ENDINGS: Mapping[Ending, JobOutcome] = {
    Ending.COMPLETED: JobOutcome.COMPLETED,
    Ending.ERROR: JobOutcome.FAILED,
    Ending.CANCELLED: JobOutcome.CANCELLED,
    Ending.TIMEOUT: JobOutcome.TIMED_OUT,
    Ending.IDLE_TIMEOUT: JobOutcome.SILENT,
}
_CODES: Mapping[JobOutcome, ExitCode] = {
    JobOutcome.DETACHED: ExitCode.OK,
    JobOutcome.UNCERTAIN: ExitCode.PARTIAL,
    JobOutcome.OPEN: ExitCode.TIMED_OUT,
    JobOutcome.COMPLETED: ExitCode.OK,
    JobOutcome.FAULTY: ExitCode.ERROR,
    JobOutcome.FAILED: ExitCode.ERROR,
    JobOutcome.CANCELLED: ExitCode.ERROR,
    JobOutcome.TIMED_OUT: ExitCode.TIMED_OUT,
    JobOutcome.SILENT: ExitCode.SILENT,
    JobOutcome.NOT_DELIVERED: ExitCode.REFUSED,
}


def outcome_of(job: Job) -> JobOutcome:
    """The outcome of a job that was followed."""
    if job.result is None:
        return JobOutcome.OPEN
    if job.result.ending is Ending.ERROR and job.refused:
        return JobOutcome.NOT_DELIVERED
    if job.result.ending is Ending.COMPLETED and job.validated:
        return JobOutcome.FAULTY
    return _OF_ENDINGS[job.result.ending]


def detached_outcome(job: Job, *, is_followed: bool) -> JobOutcome:
    """The outcome of a job that is left to the background follower."""
    if job.ended:
        return outcome_of(job)
    is_unproved = job.delivery is not None and job.delivery.get("verdict") == DeliveryVerdict.UNVERIFIED
    return JobOutcome.UNCERTAIN if is_unproved or not is_followed else JobOutcome.DETACHED


def exit_code_of(outcome: JobOutcome) -> ExitCode:
    """The exit code for an outcome."""
    return _CODES[outcome]


def exit_code_of_all(outcomes: Sequence[JobOutcome], *, first: bool, unreadable: bool) -> ExitCode:
    """The exit code of the first outcome that is not OK. With `first`, only ended jobs count, if any has ended.

    An unreadable record gives an error if all else is OK: its job may still be open.
    """
    ended = [outcome for outcome in outcomes if outcome is not JobOutcome.OPEN]
    codes = map(exit_code_of, ended if first and ended else outcomes)
    return next((code for code in codes if code is not ExitCode.OK), ExitCode.ERROR if unreadable else ExitCode.OK)

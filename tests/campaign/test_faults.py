"""The n-th thing that a command asks of the system fails, or is its last."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from campaign import share, trial
from campaign.hook import Fault, parse
from campaign.operations import OPERATIONS
from campaign.share import EVERYTHING

Told = Callable[[str, object], None]


def attempts(operation: str, faults: Iterable[Fault], record_property: Told) -> None:
    """Try each fault; fails with everything that was wrong, and how to see it again."""
    verdicts = {fault: trial.attempt(EVERYTHING[operation], fault) for fault in faults}
    wrong = [f"{operation}, {fault}: {each}" for fault, verdict in verdicts.items() for each in verdict.wrong]
    violated = sum(bool(verdict.wrong) for verdict in verdicts.values())
    record_property("campaign", [f"faults: {operation}", sum(v.hit for v in verdicts.values()), violated])
    assert not wrong, "\n".join(wrong)
    assert not verdicts or any(verdict.hit for verdict in verdicts.values()), f"{operation}: no fault came about"


@pytest.mark.skipif(share.ALL, reason="the campaign tries them all")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_command_that_fails_half_way_loses_nothing_and_completes_when_run_again(
    operation: str, record_property: Told
):
    attempts(operation, share.sample(operation, trial.count(OPERATIONS[operation])), record_property)


@pytest.mark.skipif(share.ALL, reason="the campaign tries them all")
@pytest.mark.parametrize("operation", share.EACH_RUN)
def test_a_job_whose_command_fails_half_way_is_typed_once_and_comes_to_its_true_end(
    operation: str, record_property: Told
):
    attempts(operation, [parse(share.EACH_RUN[operation])], record_property)


@pytest.mark.skipif(not share.ALL, reason="make campaign")
@pytest.mark.parametrize(
    ("operation", "kind"), [(operation, kind) for operation in EVERYTHING for kind in share.kinds_of(operation)]
)
def test_a_command_that_fails_anywhere_loses_nothing_and_completes_when_run_again(
    operation: str, kind: str, record_property: Told
):
    faults = share.numbers(share.kinds_of(operation)[kind], trial.count(EVERYTHING[operation]))
    attempts(operation, faults, record_property)

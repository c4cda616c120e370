"""The n-th thing that a command asks of the system fails, or is its last."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from campaign import share, trial
from campaign.hook import Fault
from campaign.operations import OPERATIONS

Told = Callable[[str, object], None]


def attempts(operation: str, faults: Iterable[Fault], record_property: Told) -> None:
    """Try each fault; fails with everything that was wrong, and how to see it again."""
    verdicts = {fault: trial.attempt(OPERATIONS[operation], fault) for fault in faults}
    wrong = [f"{operation}, {fault}: {each}" for fault, verdict in verdicts.items() for each in verdict.wrong]
    violated = sum(bool(verdict.wrong) for verdict in verdicts.values())
    record_property("campaign", [f"faults: {operation}", sum(v.hit for v in verdicts.values()), violated])
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(share.ALL, reason="the campaign tries them all")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_command_that_fails_half_way_loses_nothing_and_completes_when_run_again(
    operation: str, record_property: Told
):
    attempts(operation, share.sample(operation, trial.count(OPERATIONS[operation])), record_property)


@pytest.mark.skipif(not share.ALL, reason="make campaign")
@pytest.mark.parametrize("kind", share.FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_command_that_fails_anywhere_loses_nothing_and_completes_when_run_again(
    operation: str, kind: str, record_property: Told
):
    attempts(operation, share.numbers(share.FAULTS[kind], trial.count(OPERATIONS[operation])), record_property)

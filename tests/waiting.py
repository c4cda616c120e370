"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds after which a test counts as hung. No test tells by this how fast something is: the machine may be busy."""


def _nothing() -> None:
    """No progress is told."""


def within(run: Callable[[float], T], is_under_way: Callable[[], bool], seconds: float = 0.5) -> T:
    """The answer of `run`, which ends something after some seconds, with as many as it takes to get under way."""
    while True:
        answer = run(seconds)
        if is_under_way():
            return answer
        seconds *= 2
        assert seconds < PATIENCE, "it never got under way"


def wait_until(
    predicate: Callable[[], T], seconds: float = PATIENCE, *, progress: Callable[[], object] = _nothing
) -> T:
    """The first true answer of `predicate`; fails the test when there is none in time.

    The time begins anew whenever `progress` answers something else: what goes on may take as long as it needs.
    """
    deadline, reached = monotonic() + seconds, progress()
    while not (answer := predicate()):
        if (now := progress()) != reached:
            deadline, reached = monotonic() + seconds, now
        assert monotonic() < deadline, f"still not true after {seconds} s"
        Event().wait(0.01)
    return answer

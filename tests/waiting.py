"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


def wait_until(predicate: Callable[[], T], seconds: float = 30) -> T:
    """The first true answer of `predicate`; fails the test when there is none in time."""
    deadline = monotonic() + seconds
    while not (answer := predicate()):
        assert monotonic() < deadline, f"still not true after {seconds} s"
        Event().wait(0.01)
    return answer

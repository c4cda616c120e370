"""Wait for a confirmation, and roll an apply back if it is not confirmed in time."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.history import rollback
from reconciler.app.plan import confirmations
from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.model.generation import Confirmation
from reconciler.model.moment import parse_zoned
from reconciler.plan.request import Request
from reconciler.state import confirmation as state

_PAUSE = 0.2  # seconds
_BETWEEN = 15.0
_PATIENCE = 3600.0
_MAY_PASS = {ExitCode.PARTIAL, ExitCode.LOCKED, ExitCode.REFUSED}

MAX_DESTROY = sys.maxsize
"""How many agents an automatic rollback may end: any number, because `--confirm-within` agreed to it."""

Apply: TypeAlias = Callable[[Request], int]
"""Carries out a request without asking, and returns the exit code."""


class RollbackStarted(Struct, frozen=True):
    """An attempt to roll back to the generation `back_to` begins."""

    reason: str
    back_to: int


class RollbackFailed(Struct, frozen=True):
    """An attempt to roll back failed before it changed anything."""

    error: ReconcilerError


class RollbackEnded(Struct, frozen=True):
    """No further attempt follows; `exit_code` is the exit code of the last one."""

    exit_code: int


RollbackEvent: TypeAlias = RollbackStarted | RollbackFailed | RollbackEnded


class _Deadline(Struct, frozen=True):
    """A recorded deadline, and the same moment on the monotonic clock, which cannot be set."""

    recorded: str = ""
    moment: float = math.inf


def watch(at: Project, identifier: str, apply: Apply) -> Iterator[RollbackEvent]:
    """Wait until the apply is confirmed; if its time runs out, roll back to the generation before it.

    Yields nothing if it is confirmed in time.
    """
    known = _Deadline()
    while True:
        found = state.read(at.waiting)
        if found is None or found.id != identifier:
            return
        known = _deadline(at, found, known)
        if at.clock.monotonic() >= known.moment:
            break
        at.clock.wait(_PAUSE)
    if state.amend(at.waiting, replace(found, expired=True)):
        yield from _take_back(at, found, apply)


def _deadline(at: Project, found: Confirmation, known: _Deadline) -> _Deadline:
    """When its time is over. The time starts when the apply ends, even if the apply was killed.

    If the clock was ahead when the deadline was written, it still gives no more time than was asked for.
    """
    if found.deadline and found.deadline != known.recorded:
        left = (parse_zoned(found.deadline) - at.now()).total_seconds()
        return _Deadline(found.deadline, at.clock.monotonic() + min(max(left, 0.0), found.within))
    if not found.deadline and not state.is_applying(found, at.processes):
        confirmations.count_down(at, found)
    return known


def _take_back(at: Project, found: Confirmation, apply: Apply) -> Iterator[RollbackEvent]:
    """Roll back; retry while an agent in use or another command blocks it, but not after a failure."""
    reason = f"generation {found.generation} was not confirmed within {found.within:g} s"
    until = at.clock.monotonic() + _PATIENCE
    while True:
        yield RollbackStarted(reason, found.back_to)
        try:
            code = apply(replace(rollback.request_of(at, found.back_to), reason=reason, automatic=True))
        except ReconcilerError as error:
            yield RollbackFailed(error)
            code = error.exit_code
        if code == ExitCode.OK:
            confirmations.over(at)
        if code not in _MAY_PASS or at.clock.monotonic() >= until:
            break
        at.clock.wait(_BETWEEN)
        if state.read(at.waiting) is None:  # confirmed or rolled back by the user meanwhile
            break
    yield RollbackEnded(code)

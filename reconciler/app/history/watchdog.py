"""The process that waits for a confirmation, and takes an apply back when none comes."""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.app.history import rollback
from reconciler.app.plan import confirmations
from reconciler.app.plan.options import ApplyOptions, CarryOut
from reconciler.app.project.project import TIME_FORMAT, Project
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.model.generation import Confirmation
from reconciler.render.door import tell
from reconciler.state import confirmation as state

_PAUSE = 0.2  # seconds
_BETWEEN = 15.0
_PATIENCE = 3600.0
_MAY_PASS = {ExitCode.PARTIAL, ExitCode.LOCKED, ExitCode.REFUSED}


@dataclass(frozen=True, slots=True)
class _Until:
    """A deadline as it is recorded, and when that is on the clock that nobody sets."""

    deadline: str = ""
    moment: float = math.inf


def watch(at: Project, identifier: str, carry_out: CarryOut) -> int:
    """Wait until that apply is confirmed; when it is not in time, `carry_out` the way back to the one before it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.chdir(at.root)
    known = _Until()
    while True:
        found = state.read(at.waiting)
        if found is None or found.id != identifier:
            return ExitCode.OK
        known = _until(at, found, known)
        if at.clock.monotonic() >= known.moment:
            break
        at.clock.wait(_PAUSE)
    if not state.amend(at.waiting, replace(found, expired=True)):
        return ExitCode.OK
    return _take_back(at, found, carry_out)


def _until(at: Project, found: Confirmation, known: _Until) -> _Until:
    """When its time is over: it runs from the end of the apply, also when that was a sudden one.

    A deadline that a clock wrote which was ahead gives no more time than was asked for.
    """
    if found.deadline and found.deadline != known.deadline:
        left = (datetime.fromisoformat(found.deadline) - at.now()).total_seconds()
        return _Until(found.deadline, at.clock.monotonic() + min(max(left, 0.0), found.within))
    if not found.deadline and not state.is_applying(found, at.processes):
        confirmations.count_down(at, found)
    return known


def _take_back(at: Project, found: Confirmation, carry_out: CarryOut) -> int:
    """Go back, again and again while an agent in use or another command is in the way; not when something failed."""
    reason = f"generation {found.generation} was not confirmed within {found.within:g} s"
    until = at.clock.monotonic() + _PATIENCE
    while True:
        _say(at, f"{reason}: back to generation {found.back_to}")
        code = _attempt(at, found.back_to, reason, carry_out)
        if code == ExitCode.OK:
            confirmations.over(at)
        if code not in _MAY_PASS or at.clock.monotonic() >= until:
            return code
        at.clock.wait(_BETWEEN)
        if state.read(at.waiting) is None:  # somebody has decided meanwhile
            return code


def _attempt(at: Project, number: int, reason: str, carry_out: CarryOut) -> int:
    # Its endings were agreed to beforehand, however many they are.
    options = ApplyOptions(auto_approve=True, max_destroy=sys.maxsize)
    try:
        return carry_out(at, replace(rollback.request_of(at, number), reason=reason, automatic=True), options)
    except ReconcilerError as error:
        _say(at, f"Error: {error.summary}")
        return error.exit_code


def _say(at: Project, text: str) -> None:
    tell(f"{at.now().strftime(TIME_FORMAT)} {text}")
    with suppress(OSError):  # the way back must not wait for a place to write about it
        sys.stdout.flush()

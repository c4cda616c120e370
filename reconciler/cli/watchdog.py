"""The process that waits for a confirmation, and takes an apply back when none comes."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from datetime import datetime

from reconciler.model.generation import Confirmation
from reconciler.state import confirmation as state

from . import confirming, rolling_back, working
from .options import ExitCode
from .wire import Project

_PAUSE = 0.2  # seconds
_PATIENCE = 3600.0  # seconds that it waits for whoever holds the lock


def watch(at: Project, identifier: str) -> int:
    """Wait until that apply is confirmed; when it is not in time, go back to the generation before it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.chdir(at.root)
    while True:
        found = state.read(at.waiting)
        if found is None or found.id != identifier:
            return ExitCode.OK
        if _is_due(at, found):
            break
        at.clock.wait(_PAUSE)
    if not state.amend(at.waiting, replace(found, expired=True)):
        return ExitCode.OK
    return _take_back(at, found)


def _is_due(at: Project, found: Confirmation) -> bool:
    """The time runs from the end of the apply, also when that was a sudden one."""
    if found.deadline:
        return at.now() >= datetime.fromisoformat(found.deadline)
    if not state.is_applying(found, at.processes):
        confirming.count_down(at, found)
    return False


def _take_back(at: Project, found: Confirmation) -> int:
    reason = f"generation {found.generation} was not confirmed within {found.within:g} s"
    sys.stdout.write(f"{at.now():%Y-%m-%dT%H:%M:%SZ} {reason}: back to generation {found.back_to}\n")
    sys.stdout.flush()
    request = replace(rolling_back.request_of(at, found.back_to), reason=reason, automatic=True)
    # Its endings were agreed to beforehand, however many they are.
    manner = working.Manner(auto_approve=True, max_destroy=sys.maxsize, lock_timeout=_PATIENCE)
    code = working.work(at, request, manner)
    if code == ExitCode.OK:
        confirming.over(at)
    return code

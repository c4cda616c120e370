"""Ask an installed program for its version."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown

from .clock import RealClock
from .programs import run

_SECONDS = 20.0  # the slowest CLI took 11 on a busy machine
_MINUTE = 60.0
_silent_until: dict[tuple[str, str], float] = {}
"""Until when, by the monotonic clock, a program with this path and fingerprint is not asked again."""


def fingerprint(path: str) -> str:
    """A digest that changes when the program at `path` is replaced; empty when it cannot be read."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        return ""
    facts = (real, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()


def printed_version(path: str, env: Mapping[str, str]) -> Observed[str]:
    """The output of `path --version`; `Unknown` when it fails, prints nothing or takes longer than 20 s.

    The answer is cached by program and environment. A program that was replaced or has failed is asked again, one that
    did not answer in time only after a minute: ten agents must not wait for it ten times.
    """
    mark, clock = fingerprint(path), RealClock()
    if clock.monotonic() < _silent_until.get((path, mark), 0.0):
        return Unknown(f"{path} --version: it did not answer in time")
    began = clock.monotonic()
    try:
        done = _asked(path, mark, frozenset(env.items()))
    except ReconcilerError as error:
        if clock.monotonic() - began >= _SECONDS:
            _silent_until[path, mark] = clock.monotonic() + _MINUTE
        return Unknown(f"{path} --version: {error.summary}")
    return Present(done)


@lru_cache(maxsize=64)
def _asked(path: str, _mark: str, env: frozenset[tuple[str, str]]) -> str:
    """The output. Raises ReconcilerError for a failure, so that a failure is not cached."""
    done = run([path, "--version"], dict(env), seconds=_SECONDS)
    if done.code or not done.output.strip():
        raise ReconcilerError("it printed nothing, or failed")
    return done.output.strip()

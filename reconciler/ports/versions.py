"""Ask an installed program for its version."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown

from .programs import run

_SECONDS = 20  # the slowest CLI took 11 on a busy machine


def fingerprint(path: str) -> str:
    """What changes when another program is put at `path`; empty when that cannot be looked at."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        return ""
    facts = (real, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()


def said_version(path: str, env: Mapping[str, str]) -> Observed[str]:
    """What `path --version` prints; `Unknown` when it fails, prints nothing or takes longer than 20 s.

    Each program is asked once in an environment; one that is replaced, or has failed, is asked again.
    """
    try:
        done = _asked(path, fingerprint(path), frozenset(env.items()))
    except ReconcilerError as error:
        return Unknown(f"{path} --version: {error.summary}")
    return Present(done)


@lru_cache(maxsize=64)
def _asked(path: str, _mark: str, env: frozenset[tuple[str, str]]) -> str:
    """Raises ReconcilerError for what is not an answer, so that it is not kept."""
    done = run([path, "--version"], dict(env), seconds=_SECONDS)
    if done.code or not done.output.strip():
        raise ReconcilerError("it says nothing")
    return done.output.strip()

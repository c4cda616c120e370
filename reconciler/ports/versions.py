"""Ask an installed program for its version."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError

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


def said_version(path: str, env: Mapping[str, str]) -> str:
    """What `path --version` prints; empty when it fails or takes too long."""
    try:
        done = run([path, "--version"], env, seconds=_SECONDS)
    except ReconcilerError:
        return ""
    return done.output if done.code == 0 else ""

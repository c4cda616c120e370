"""What was parsed once, kept by the digest of its text. Only who writes the state writes here.

Nothing depends on it but speed: a file that is missing or damaged is a miss, a folder that cannot
be written stays empty.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import cast

from reconciler.model.record import Json

KEPT = 20


def recall(folder: str, digest: str) -> Json:
    """The content that was remembered for `digest`, or None."""
    try:
        with open(_file(folder, digest), "rb") as file:
            return cast(Json, json.loads(file.read()))
    except (OSError, ValueError, RecursionError):
        return None


def remember(folder: str, digest: str, content: Json) -> None:
    """Keep `content` for `digest`, readable by its owner alone; the 20 newest are kept.

    `content` holds what JSON can hold; the same digest must always come with the same content.
    """
    with suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _write(_file(folder, digest), json.dumps(content, separators=(",", ":")).encode())
        _forget_oldest(folder)


def _file(folder: str, digest: str) -> str:
    return os.path.join(folder, f"{digest}.json")


def _write(path: str, data: bytes) -> None:
    # A name of its own: two writers never share a half-written file. No fsync: damage is a miss.
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)


def _forget_oldest(folder: str) -> None:
    with os.scandir(folder) as entries:
        by_age = sorted(entries, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in by_age[KEPT:]:
        os.unlink(entry.path)

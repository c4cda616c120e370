"""Cache parsed files by the digest of their text. Only code that writes the state writes to the cache.

The cache only saves time. A missing or damaged file is a cache miss. If the folder cannot be written, it stays empty.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import cast

from msgspec import json as fast_json

from reconciler.model.record import Json
from reconciler.ports import own_files
from reconciler.ports.own_files import LinkInTheWay

KEPT = 20


def recall(folder: str, digest: str) -> Json:
    """The cached content for `digest`, or None."""
    try:
        with own_files.regular(_file(folder, digest)) as file:
            return cast(Json, fast_json.decode(file.read()))
    except (OSError, ValueError, RecursionError):
        return None


def remember(folder: str, digest: str, content: Json) -> None:
    """Cache `content` for `digest` in a file with mode 0600; the 20 newest files are kept.

    `content` must be data that JSON can hold, and always the same for the same digest.
    """
    with suppress(OSError, LinkInTheWay):
        own_files.make_folder(folder, 0o700)
        # not durable: a file that a crash damages is a cache miss
        own_files.replace(_file(folder, digest), json.dumps(content, separators=(",", ":")).encode(), durable=False)
        _forget_oldest(folder)


def _file(folder: str, digest: str) -> str:
    return os.path.join(folder, f"{digest}.json")


def _forget_oldest(folder: str) -> None:
    with os.scandir(folder) as entries:
        by_age = sorted(entries, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in by_age[KEPT:]:
        os.unlink(entry.path)

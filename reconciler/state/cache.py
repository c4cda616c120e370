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
from reconciler.ports import own_files
from reconciler.ports.own_files import LinkInTheWay

KEPT = 20


def recall(folder: str, digest: str) -> Json:
    """The content that was remembered for `digest`, or None."""
    try:
        with own_files.regular(_file(folder, digest)) as file:
            return cast(Json, json.loads(file.read()))
    except (OSError, ValueError, RecursionError):
        return None


def remember(folder: str, digest: str, content: Json) -> None:
    """Keep `content` for `digest`, readable by its owner alone; the 20 newest are kept.

    `content` holds what JSON can hold; the same digest must always come with the same content.
    """
    with suppress(OSError, LinkInTheWay):
        own_files.make_folder(folder, 0o700)
        # not durable: damage is a miss
        own_files.replace(_file(folder, digest), json.dumps(content, separators=(",", ":")).encode(), durable=False)
        _forget_oldest(folder)


def _file(folder: str, digest: str) -> str:
    return os.path.join(folder, f"{digest}.json")


def _forget_oldest(folder: str) -> None:
    with os.scandir(folder) as entries:
        by_age = sorted(entries, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in by_age[KEPT:]:
        os.unlink(entry.path)

"""Which versions of tmux are supported, and which work together."""

from __future__ import annotations

import re

OLDEST = (3, 2)
NEWEST_TRIED = (3, 8)
"""The newest version that the tests were run with; docs/tmux.md has them all."""
MESSAGES_CHANGED = (3, 6)
"""From this version on, client and server use another protocol for terminals and files."""


def is_before(version: str, other: tuple[int, int]) -> bool:
    """Whether the version text of tmux is older than `other`. A text without a number, such as `master`, is not."""
    numbers = re.search(r"(\d{1,9})\.(\d{1,9})", version)  # `3.3a`, `next-3.8`, `openbsd-7.5`
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < other


def is_after(version: str, other: tuple[int, int]) -> bool:
    """Whether the version text of tmux is newer than `other`. A text without a number counts as the newest of all."""
    return not is_before(version, (other[0], other[1] + 1))


def fit(client: str, server: str) -> bool:
    """Whether a client of one version can attach to a server of another."""
    return client == server or is_before(client, MESSAGES_CHANGED) == is_before(server, MESSAGES_CHANGED)

"""Which versions of tmux can be used, and which with each other."""

from __future__ import annotations

import re

OLDEST = (3, 2)
MESSAGES_CHANGED = (3, 6)
"""Before and since, a client and a server pass terminals and files to each other in different ways."""


def is_before(version: str, other: tuple[int, int]) -> bool:
    """Whether a version, as tmux tells it, is older than this one; one without a number, as `master`, is not."""
    numbers = re.search(r"(\d{1,9})\.(\d{1,9})", version)  # `3.3a`, `next-3.8`, `openbsd-7.5`
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < other


def fit(client: str, server: str) -> bool:
    """Whether a client can be attached to a server."""
    return client == server or is_before(client, MESSAGES_CHANGED) == is_before(server, MESSAGES_CHANGED)

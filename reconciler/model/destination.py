"""Where a job goes that another host does: to one host, or to any host with an idle agent of a pool. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from .address import HOST_PATTERN, HOST_PREFIX
from .errors import UsageError

_NAME = re.compile(HOST_PATTERN)


class Destination(Struct, frozen=True):
    """One of the two is set."""

    host: str = ""
    pool: str = ""

    @property
    def queue(self) -> str:
        """The name of the queue: that of the pool, or `host-HOST`."""
        return self.pool or f"{HOST_PREFIX}{self.host}"


def destination_of(queue: str) -> Destination:
    """Where the jobs of a queue go."""
    if queue.startswith(HOST_PREFIX):
        return Destination(host=queue.removeprefix(HOST_PREFIX))
    return Destination(pool=queue)


def is_host_name(text: str) -> bool:
    """Whether the name can be a part of a topic and of a subject."""
    return _NAME.fullmatch(text) is not None


def host_name(text: str) -> str:
    """The name, if it can be a part of a topic and of a subject. Raises UsageError."""
    if not is_host_name(text):
        fix = "use letters, digits, - and _; `jobs: {host: NAME}` in the manifest gives a machine such a name"
        raise UsageError(f"{text!r} cannot be the name of a host that gets jobs", fix=fix)
    return text


def pool_name(text: str) -> str:
    """The name, if it can be a part of a subject. Raises UsageError."""
    if not _NAME.fullmatch(text) or text.startswith(HOST_PREFIX):
        fix = f"use letters, digits, - and _; a name that begins with {HOST_PREFIX} means a host"
        raise UsageError(f"{text!r} cannot be the name of a pool", fix=fix)
    return text

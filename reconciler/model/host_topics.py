"""The topics of jobs on other hosts, beneath the prefix of the job events. Pure."""

from __future__ import annotations

from collections.abc import Iterable

ANY = "+"
"""The wildcard for one level, to make a filter instead of a topic."""
EVENTS = "/+/events"
"""How a filter of job events ends, after its prefix."""


def prefixes(filters: Iterable[str]) -> tuple[str, ...]:
    """The prefix of each filter of job events that has one; only beneath these, hosts have boxes."""
    return tuple(each.removesuffix(EVENTS) for each in filters if each.endswith(EVENTS))


def box(prefix: str, host: str, job_id: str = ANY) -> str:
    """Where a job waits for the host; without an id, the filter of all of them."""
    return f"{prefix}/hosts/{host}/jobs/{job_id}"


def cancel(prefix: str, host: str, job_id: str = ANY) -> str:
    """Where the wish to cancel a job of the host waits; without an id, the filter of all of them."""
    return f"{prefix}/hosts/{host}/cancels/{job_id}"


def dead(prefix: str, host: str, job_id: str = ANY) -> str:
    """Where a job is kept that the host gave up; without an id, the filter of all of them."""
    return f"{prefix}/hosts/{host}/dead/{job_id}"

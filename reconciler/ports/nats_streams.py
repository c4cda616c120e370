"""The streams and consumers that jobs need on a NATS server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import to_builtins

from reconciler.model.errors import Unreachable

from .nats_words import NO_STREAM, STREAM_EXISTS, StreamSettings

if TYPE_CHECKING:
    from .nats_link import NatsLink

JOBS, DEAD, STATUS = "JOBS", "JOBS_DEAD", "JOBS_STATUS"
QUEUED, LETTERS, EVENTS, BEGUN = "jobs.new", "jobs.dead", "jobs.status", "jobs.begun"
"""The first words of the subjects in them."""

STATUS_DAYS = 14
_SECOND = 1_000_000_000  # nanoseconds
_HOUR = 3600 * _SECOND
_STREAMS = (
    # a job that is submitted again within a day is not queued again
    StreamSettings(JOBS, (f"{QUEUED}.>",), retention="workqueue", duplicate_window=24 * _HOUR),
    StreamSettings(DEAD, (f"{LETTERS}.>",), duplicate_window=24 * _HOUR, max_msgs_per_subject=1),
    StreamSettings(
        STATUS, (f"{EVENTS}.>", f"{BEGUN}.*"), duplicate_window=24 * _HOUR, max_age=STATUS_DAYS * 24 * _HOUR
    ),
)


def add_missing_streams(link: NatsLink) -> None:
    """Create the streams that do not exist; one that exists keeps its settings.

    Raises Unreachable if it could lose jobs with its settings.
    """
    for wanted in _STREAMS:
        found = _settings_of(link, wanted.name)
        if found is None:
            link.api(f"STREAM.CREATE.{wanted.name}", to_builtins(wanted), allowed=(STREAM_EXISTS,))
            found = _settings_of(link, wanted.name) or wanted
        if faults := tuple(_faults(wanted, found)):
            raise Unreachable(
                f"the stream {wanted.name} of the NATS server cannot be used: {'; '.join(faults)}",
                fix=f"change it (`nats stream edit {wanted.name}`), or delete it: reconciler makes a right one",
            )


def set_consumer(link: NatsLink, queue: str, ack_wait: float) -> None:
    """Create the durable consumer of a queue, or give it these settings.

    It delivers without a limit: what a server has delivered for the last time would stay there, and nobody would be
    told. So the tries are counted where a job is claimed.
    """
    settings = {
        "durable_name": queue,
        "filter_subject": f"{QUEUED}.{queue}.*",
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": int(ack_wait * _SECOND),
        "max_deliver": -1,
    }
    body = {"stream_name": JOBS, "config": settings}
    link.api(f"CONSUMER.DURABLE.CREATE.{JOBS}.{queue}", body)


def _settings_of(link: NatsLink, name: str) -> StreamSettings | None:
    return link.api(f"STREAM.INFO.{name}", allowed=(NO_STREAM,)).config


def _faults(wanted: StreamSettings, found: StreamSettings) -> Iterator[str]:
    """What makes a stream unfit, in words for the user."""
    for subject in wanted.subjects:
        if not any(_covers(each, subject) for each in found.subjects):
            yield f"it does not take {subject}"
    if found.retention != wanted.retention:
        yield f"its retention is {found.retention}, not {wanted.retention}"
    if found.storage != "file":
        yield f"its storage is {found.storage}, so a restart would lose jobs"
    if found.discard == "old" and wanted.name == JOBS and (found.max_msgs > 0 or found.max_bytes > 0):
        yield "it discards old jobs when it is full"
    if 0 < found.max_age < (wanted.max_age or float("inf")):
        yield "it deletes messages too early (max_age)"


def _covers(found: str, wanted: str) -> bool:
    """Whether everything that matches `wanted` matches `found`."""
    if found == wanted:
        return True
    return found.endswith(">") and wanted.startswith(found[:-1])

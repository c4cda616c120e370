"""Job events, as the monitor receives them over one broker: verified by the job's own record, and recorded there.

The registry follows the job records (`notes`), so that an event which somebody else recorded counts just the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread

from reconciler.jobs.reading import RecordUnreadable
from reconciler.jobs.record import Records, UnknownJob, job_ids, read, stamp_of
from reconciler.jobs.sign import SeenEvents, seen_of, verify_hmac
from reconciler.jobs.transitions import record_heard
from reconciler.kinds.agent.notes import note_fields
from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.job import Dropped, DropReason, Happening, Job
from reconciler.model.moment import unix
from reconciler.model.record import Record, RowEdit, Section, SessionRow, Status
from reconciler.ports.bus import Bus, Message

_STOP_CHECK = 0.5  # seconds until the thread asks whether it shall end


# --- what jobs say of their agents ------------------------------------------------------------


def notes(jobs: Iterable[Job], record: Record, now: str) -> tuple[RowEdit, ...]:
    """What the rows of running agents say of the newest of their jobs, unless they say something newer. Pure."""
    newest = {job.agent_session.removeprefix("tmux:"): job for job in sorted(jobs, key=lambda job: job.updated_at)}
    rows = (row for row in record.sessions.values() if row.status is Status.RUNNING and row.session in newest)
    return tuple(edit for row in rows for edit in _noted(row, newest[row.session], now))


def _noted(row: SessionRow, job: Job, now: str) -> Iterator[RowEdit]:
    said = "waits for a permission" if job.permission else job.status.value
    note = f"job {job.id} {said}"
    said_by_us = note_fields(row, note)  # nothing over the words of a user
    of_the_row = _second(row.updated_at)
    ahead = of_the_row > _second(now)  # a clock that was ahead wrote it: it is not newer than what happens now
    if row.note != note and said_by_us and (ahead or _second(job.updated_at) >= of_the_row):
        yield RowEdit(section=Section.SESSIONS, name=row.session, fields={**said_by_us, "updated_at": now})


def _second(moment: str) -> int:
    return int(unix(moment) or 0)


@dataclass(slots=True)
class JobRecordCache:
    """All job records, each read again only when it has changed; one that cannot be read is passed over."""

    records: Records
    _known: dict[str, tuple[object, Job]] = field(default_factory=dict)

    def jobs(self) -> list[Job]:
        """Every job as it is recorded now. Raises ReconcilerError when the folder cannot be listed."""
        found = [job for job_id in job_ids(self.records) if (job := self.job(job_id))]
        self._known = {job.id: self._known[job.id] for job in found}
        return found

    def job(self, job_id: str) -> Job | None:
        """One job; None when there is no record that can be read."""
        try:
            stamp = stamp_of(self.records, job_id)
            if job_id not in self._known or self._known[job_id][0] != stamp:
                self._known[job_id] = stamp, read(self.records, job_id)
        except (UnknownJob, RecordUnreadable, UsageError):
            return None
        return self._known[job_id][1]


# --- events -----------------------------------------------------------------------------------


@dataclass(slots=True)
class EventVerifier:
    """Verifies messages by the records of their jobs; `dropped` counts those that do not count, by their reason.

    What was on record when this was made has been seen: make it before the subscription. From then on only what is
    received here is. The record tells nothing of that: another follower of the same job may be faster to record it.
    """

    cache: JobRecordCache
    prefix: str
    dropped: Counter[DropReason] = field(default_factory=Counter)
    _seen: dict[str, SeenEvents] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = {job.id: seen_of(job) for job in self.cache.jobs()}

    def record(self, message: Message) -> tuple[Happening, ...]:
        """Record what a genuine message says, and return what follows. Raises ReconcilerError when that fails."""
        job = self.cache.job(self._job_id(message.topic))
        if job is None:
            # what the broker has kept may be about a job of another project
            return () if message.retained else self._drop(DropReason.FOREIGN_TOPIC)
        records, seen = self.cache.records, self._seen_of(job)
        verdict = verify_hmac(message, job, seen, records.clock.now())
        if isinstance(verdict, DropReason):
            return () if verdict is DropReason.REPEATED else self._drop(verdict, job.id)
        happenings = record_heard(records, job.id, [verdict]).happenings
        seen.add(verdict)
        return happenings

    def _seen_of(self, job: Job) -> SeenEvents:
        if job.id not in self._seen:
            there = {job.id, *job_ids(self.cache.records)}
            self._seen = {each: self._seen.get(each, SeenEvents({})) for each in there}
        return self._seen[job.id]

    def _job_id(self, topic: str) -> str:
        return topic.removeprefix(f"{self.prefix}/").removesuffix("/events")

    def _drop(self, reason: DropReason, job_id: str = "") -> tuple[Happening, ...]:
        self.dropped[reason] += 1
        return (Dropped(job_id, reason),) if self.dropped[reason] == 1 else ()


class EndedJobs:
    """The jobs that an event of theirs has ended since this was made, whoever recorded it.

    Another follower may be faster than we are: what counts is the record.
    """

    def __init__(self, cache: JobRecordCache) -> None:
        self._cache = cache
        self._known = {job.id for job in cache.jobs() if job.ended}

    def take(self) -> list[Job]:
        """Those that were not told yet; no job whose prompt never reached its agent."""
        fresh = [job for job in self._cache.jobs() if job.ended and job.id not in self._known]
        self._known |= {job.id for job in fresh}
        return [job for job in fresh if job.result and job.result.event_id and not job.refused]


def is_private(connection: Connection) -> bool:
    """Whether only those speak there whom the broker knows, and nobody else listens."""
    return connection.tls and bool(connection.username or connection.certfile)


# --- the connection ---------------------------------------------------------------------------


class EventListener:
    """Listens in a thread of its own, and connects again by itself; `wake` is called for each message and change.

    `trouble` says why nothing is received, is empty while it listens, and None before the first answer.
    """

    def __init__(self, open_bus: Callable[[], Bus], topic_filter: str, wake: Callable[[], None], pause: float) -> None:
        """`pause` is how many seconds a broker that is out of reach is left alone."""
        self.trouble: str | None = None
        self._open_bus = open_bus
        self._filter = topic_filter
        self._wake = wake
        self._pause = pause
        self._mailbox: SimpleQueue[Message] = SimpleQueue()
        self._stop = Event()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def take(self) -> Iterator[Message]:
        """The messages that have come in."""
        while True:
            try:
                yield self._mailbox.get_nowait()
            except Empty:
                return

    def close(self) -> None:
        """Listen no more."""
        self._stop.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(self._open_bus()) as bus:
                    bus.subscribe(self._filter)
                    self._receive(bus)
            except ReconcilerError as error:
                self._tell(error.summary)
                self._stop.wait(self._pause)

    def _receive(self, bus: Bus) -> None:
        while not self._stop.is_set():
            self._tell("" if bus.connected else "the connection was lost")
            message = bus.receive(_STOP_CHECK)
            if message:
                self._mailbox.put(message)
                self._wake()

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._wake()

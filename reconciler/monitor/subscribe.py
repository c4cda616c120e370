"""Receive job events from one broker, verify them by the job's own record, and record them there.

The registry follows the job records (`notes`), so that an event that another process recorded counts, too.
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

_STOP_CHECK = 0.5  # seconds between checks whether the thread should end


# --- what jobs say of their agents ------------------------------------------------------------


def notes(jobs: Iterable[Job], record: Record, now: str) -> tuple[RowEdit, ...]:
    """The notes about each running agent's newest job for its row, unless the row has a newer note. Pure."""
    newest = {job.agent_session.removeprefix("tmux:"): job for job in sorted(jobs, key=lambda job: job.updated_at)}
    rows = (row for row in record.sessions.values() if row.status is Status.RUNNING and row.session in newest)
    return tuple(edit for row in rows for edit in _noted(row, newest[row.session], now))


def _noted(row: SessionRow, job: Job, now: str) -> Iterator[RowEdit]:
    said = "waits for a permission" if job.permission else job.status.value
    note = f"job {job.id} {said}"
    said_by_us = note_fields(row, note)  # never replace a user's note
    of_the_row = _second(row.updated_at)
    ahead = of_the_row > _second(now)  # written while the clock was ahead: do not treat it as newer
    if row.note != note and said_by_us and (ahead or _second(job.updated_at) >= of_the_row):
        yield RowEdit(section=Section.SESSIONS, name=row.session, fields={**said_by_us, "updated_at": now})


def _second(moment: str) -> int:
    return int(unix(moment) or 0)


@dataclass(slots=True)
class JobRecordCache:
    """All job records, each read again only after a change; unreadable ones are skipped."""

    records: Records
    _known: dict[str, tuple[object, Job]] = field(default_factory=dict)

    def jobs(self) -> list[Job]:
        """Every recorded job. Raises ReconcilerError if the folder cannot be listed."""
        found = [job for job_id in job_ids(self.records) if (job := self.job(job_id))]
        self._known = {job.id: self._known[job.id] for job in found}
        return found

    def job(self, job_id: str) -> Job | None:
        """One job; None if it has no readable record."""
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
    """Verifies messages by the records of their jobs; `dropped` counts rejected messages by reason.

    Events that are already recorded when this object is made count as seen, so make it before the subscription. After
    that, only events received here do: another follower of the same job may record an event before we receive it.
    """

    cache: JobRecordCache
    prefix: str
    dropped: Counter[DropReason] = field(default_factory=Counter)
    _seen: dict[str, SeenEvents] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = {job.id: seen_of(job) for job in self.cache.jobs()}

    def record(self, message: Message) -> tuple[Happening, ...]:
        """Record a genuine message, and return what happened. Raises ReconcilerError if that fails."""
        job = self.cache.job(self._job_id(message.topic))
        if job is None:
            # a retained message may belong to a job of another project
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
    """The jobs that ended through an event since this object was made.

    Another follower may record the event first, so the records are what counts.
    """

    def __init__(self, cache: JobRecordCache) -> None:
        self._cache = cache
        self._known = {job.id for job in cache.jobs() if job.ended}

    def take(self) -> list[Job]:
        """The ended jobs that were not taken yet, without jobs whose prompt never reached the agent."""
        fresh = [job for job in self._cache.jobs() if job.ended and job.id not in self._known]
        self._known |= {job.id for job in fresh}
        return [job for job in fresh if job.result and job.result.event_id and not job.refused]


def is_private(connection: Connection) -> bool:
    """Whether the connection has a login and TLS: only known users publish, and nobody else can listen."""
    return connection.tls and bool(connection.username or connection.certfile)


# --- the connection ---------------------------------------------------------------------------


class EventListener:
    """Listens in its own thread and reconnects by itself; `wake` is called for each message and state change.

    `trouble` is why nothing is received; empty while it listens, None before the first result.
    """

    def __init__(self, open_bus: Callable[[], Bus], topic_filter: str, wake: Callable[[], None], pause: float) -> None:
        """`pause` is the number of seconds before a broker that cannot be reached is tried again."""
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
        """The received messages, each once."""
        while True:
            try:
                yield self._mailbox.get_nowait()
            except Empty:
                return

    def close(self) -> None:
        """Stop listening."""
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

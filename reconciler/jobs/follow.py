"""Follow many jobs over one connection, until it is known what became of each of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from reconciler.model.errors import ReconcilerError
from reconciler.model.job import (
    Abandoned,
    Accepted,
    ConnectionBack,
    ConnectionLost,
    Dropped,
    DropReason,
    Ended,
    Ending,
    Happening,
    Ignored,
    Job,
    JobEvent,
    ResendFailed,
    Resent,
    Result,
)
from reconciler.model.moment import parse_zoned, to_millisecond
from reconciler.ports.bus import Bus, Message

from .audit import audit_folder, log
from .outbox import last_said, outbox_of, result, waiting
from .publish import flush
from .reading import RecordUnreadable
from .record import Records, UnknownJob, read, stamp_of
from .sign import SeenEvents, seen_of, verify_hmac
from .transitions import end_job, record_heard

_TICK = 0.25
_GRACE = 2.0  # the kept result of a job must come in before its time is up, when its follower comes late
_LARGEST_BATCH = 5000  # the more wait, the more are recorded with one write
_MOST_DROPS = 1000  # in the audit of one job: whoever floods us must not fill the disk
_FLUSH_PAUSE, _PAUSE_AFTER_FAILURE = 1.0, 30.0
_ANY_AGE = timedelta(days=36_500)  # what lies in our own outbox is not sent again by anybody


@dataclass(slots=True)
class _Followed:
    """One job as this follower knows it; the deadlines are of the monotonic clock."""

    job: Job
    seen: SeenEvents
    deadline: float
    idle_deadline: float
    stamp: tuple[int, int] | None
    drops: int = 0
    is_caught_up: bool = False


def follow(records: Records, bus: Bus, job_ids: Iterable[str]) -> Follower:
    """A follower that has its subscriptions: no event that is published from now on escapes it.

    Raises:
        BusRefused: The broker denies a subscription.
        BusUnreachable: It does not answer.
        UnknownJob, RecordUnreadable: One of the records is gone or broken.
    """
    follower = Follower(records, bus)
    for job_id in job_ids:
        follower.add(job_id)
    return follower


class Follower:
    """Moves the records of its jobs as genuine events come in, and tells each thing that happens.

    `dropped` counts the messages that did not count, by their reason. Several followers may share a job:
    whatever one of them records, all of them tell.
    """

    def __init__(self, records: Records, bus: Bus) -> None:
        self.dropped: Counter[DropReason] = Counter()
        self._records = records
        self._bus = bus
        self._jobs: dict[str, _Followed] = {}  # by topic
        self._told_drops = bus.drops
        self._away = False
        self._again = False
        self._next_flush = records.clock.monotonic()

    @property
    def open(self) -> tuple[str, ...]:
        """The jobs that have not ended."""
        return tuple(each.job.id for each in self._open())

    def add(self, job_id: str) -> None:
        """Follow one more job; its subscription is acknowledged. Raises what `follow` raises."""
        stamp, job = stamp_of(self._records, job_id), read(self._records, job_id)
        if not job.ended:
            self._bus.subscribe(job.topic)
        now, elapsed = self._records.clock.monotonic(), self._age(job.created_at)
        self._jobs[job.topic] = _Followed(
            job,
            seen_of(job),
            deadline=now + max(job.timeout - elapsed, _GRACE),
            idle_deadline=now + job.idle_timeout,  # nobody knows of a silence while nobody listened
            stamp=stamp,
        )

    def happenings(self) -> Iterator[Happening]:
        """Each thing that happens, as it happens, until all jobs have ended. Raises what `step` raises."""
        yield from [Ended(each.job) for each in self._jobs.values() if each.job.ended]
        while self._open():
            yield from self.step(_TICK)

    def step(self, seconds: float) -> list[Happening]:
        """What happened since the last step; waits up to `seconds` for a first message.

        Raises:
            BusRefused: The broker ended the connection for good. The jobs stay open, for a later follower.
            ReconcilerError: A record or an audit folder cannot be written.
        """
        messages = self._take(seconds)
        return [
            *self._connection_news(),
            *self._heard(messages),
            *self._changed_by_others(),
            *self._timed_out(),
            *self._resent(),
            *self._caught_up(),  # last: what waits goes to the broker first, for those who listen there
        ]

    def _open(self) -> list[_Followed]:
        return [each for each in self._jobs.values() if not each.job.ended]

    def _age(self, since: str) -> float:
        """Seconds since then; none when a clock that was ahead wrote it, so that its job does not get more time."""
        return max((self._records.clock.now() - parse_zoned(since)).total_seconds(), 0.0)

    def _take(self, seconds: float) -> list[Message]:
        messages: list[Message] = []
        while len(messages) < _LARGEST_BATCH:
            message = self._bus.receive(0 if messages else seconds)
            if message is None:
                break
            messages.append(message)
        return messages

    def _connection_news(self) -> Iterator[Happening]:
        if self._bus.drops > self._told_drops:
            self._told_drops = self._bus.drops
            if not self._away:
                self._away = True
                yield ConnectionLost()
        if self._away and self._bus.connected:
            self._away, self._again = False, True
            self._next_flush = self._records.clock.monotonic()
            yield ConnectionBack()

    def _heard(self, messages: Iterable[Message]) -> Iterator[Happening]:
        by_topic: dict[str, list[Message]] = {}
        for message in messages:
            by_topic.setdefault(message.topic, []).append(message)
        for topic, about in by_topic.items():
            if topic in self._jobs:
                yield from self._hear(self._jobs[topic], about)
            else:
                self.dropped[DropReason.FOREIGN_TOPIC] += len(about)
                yield from [Dropped("", DropReason.FOREIGN_TOPIC)] * len(about)

    def _hear(self, followed: _Followed, messages: Iterable[Message]) -> Iterator[Happening]:
        verdicts = [verdict for verdict in self._verdicts(followed, messages) if verdict is not DropReason.REPEATED]
        if verdicts:
            yield from self._recorded(followed, verdicts)

    def _verdicts(self, followed: _Followed, messages: Iterable[Message]) -> Iterator[JobEvent | DropReason]:
        now = self._records.clock.now()
        for message in messages:
            verdict = verify_hmac(message, followed.job, followed.seen, now)
            if isinstance(verdict, JobEvent):
                followed.seen.add(verdict)
            yield verdict

    def _recorded(self, followed: _Followed, verdicts: Iterable[JobEvent | DropReason]) -> Iterator[Happening]:
        try:
            judged = record_heard(self._records, followed.job.id, self._within_bounds(followed, verdicts))
        except (UnknownJob, RecordUnreadable) as error:
            yield self._abandoned(followed, error)
            return
        self._log(followed.job, judged.happenings)
        yield from judged.happenings
        yield from self._known_now(followed, judged.job)

    def _within_bounds(
        self, followed: _Followed, verdicts: Iterable[JobEvent | DropReason]
    ) -> Iterator[JobEvent | DropReason]:
        """All of them but drops beyond the bound, which are counted and nothing else."""
        for verdict in verdicts:
            if isinstance(verdict, DropReason):
                self.dropped[verdict] += 1
                followed.drops += 1
            if not isinstance(verdict, DropReason) or followed.drops <= _MOST_DROPS:
                yield verdict

    def _changed_by_others(self) -> Iterator[Happening]:
        for followed in self._open():
            stamp = stamp_of(self._records, followed.job.id)
            if stamp == followed.stamp:
                continue
            try:
                job = read(self._records, followed.job.id)
            except (UnknownJob, RecordUnreadable) as error:
                yield self._abandoned(followed, error)
            else:
                yield from self._known_now(followed, job)
                followed.stamp = stamp

    def _known_now(self, followed: _Followed, job: Job) -> Iterator[Happening]:
        """Take over what the record says; any change of it is a sign of life."""
        before, followed.job = followed.job, job
        if job.updated_at != before.updated_at:
            followed.idle_deadline = self._records.clock.monotonic() + job.idle_timeout
        if job.ended and not before.ended:
            self._log(job, [Ended(job)])
            yield Ended(job)

    def _timed_out(self) -> Iterator[Happening]:
        now = self._records.clock.monotonic()
        for followed in self._open():
            if now < followed.deadline and (now < followed.idle_deadline or self._is_alive(followed)):
                continue
            yield from self._heard_on_disk(followed)
            if followed.job.ended:
                continue
            if now >= followed.deadline:
                yield from self._end(followed, Ending.TIMEOUT, f"not done after {followed.job.timeout:g} s")
            else:
                yield from self._end(followed, Ending.IDLE_TIMEOUT, f"silent for {followed.job.idle_timeout:g} s")

    def _caught_up(self) -> Iterator[Happening]:
        """What was said before we came: a broker that has been restarted may have lost it."""
        for followed in self._open():
            if not followed.is_caught_up:
                followed.is_caught_up = True
                yield from self._heard_on_disk(followed)

    def _is_alive(self, followed: _Followed) -> bool:
        """Whether its silence is none: it waits for a permission, or an event was made that did not reach us."""
        if followed.job.permission:
            return True
        said = last_said(outbox_of(self._records, followed.job.id))
        silence = math.inf if said is None else self._records.clock.now().timestamp() - said
        if not 0 <= silence < followed.job.idle_timeout:
            return False
        followed.idle_deadline = self._records.clock.monotonic() + followed.job.idle_timeout - silence
        return True

    def _heard_on_disk(self, followed: _Followed) -> Iterator[Happening]:
        """What the job's publisher has said and the broker did not tell us: it lost it, or we may not read there.

        What was heard before, by us or by another follower, lies there until the broker has it: that is no replay.
        """
        outbox, job, now = outbox_of(self._records, followed.job.id), followed.job, self._records.clock.now()
        said = [Message(job.topic, each.payload) for each in (*waiting(outbox), *filter(None, [result(outbox)]))]
        verdicts = [verify_hmac(each, job, SeenEvents({}), now, _ANY_AGE) for each in said]
        news = [each for each in verdicts if isinstance(each, DropReason) or followed.seen.add_from_disk(each)]
        if news:
            yield from self._recorded(followed, news)

    def _end(self, followed: _Followed, ending: Ending, why: str) -> Iterator[Happening]:
        result = Result(ending, why, to_millisecond(self._records.clock.now()))
        since = followed.job.updated_at if ending is Ending.IDLE_TIMEOUT else ""
        try:
            job = end_job(self._records, followed.job.id, result, quiet_since=since)
        except (UnknownJob, RecordUnreadable) as error:
            yield self._abandoned(followed, error)
        else:
            yield from self._known_now(followed, job)

    def _abandoned(self, followed: _Followed, error: ReconcilerError) -> Abandoned:
        del self._jobs[followed.job.topic]
        return Abandoned(followed.job.id, error.summary)

    def _resent(self) -> Iterator[Happening]:
        """Hand over what publishers could not; after an outage the results, too, which the broker may have lost."""
        now = self._records.clock.monotonic()
        if self._away or now < self._next_flush:
            return
        done = flush(self._records, [each.job.id for each in self._jobs.values()], again=self._again)
        self._again = self._again and bool(done.problems)
        self._next_flush = now + (_PAUSE_AFTER_FAILURE if done.problems else _FLUSH_PAUSE)
        if done.problems:
            for followed in self._open():
                yield from self._heard_on_disk(followed)
        yield from map(ResendFailed, done.problems)
        if done.sent:
            yield Resent(done.sent)

    def _log(self, job: Job, happenings: Iterable[Happening]) -> None:
        at = to_millisecond(self._records.clock.now())
        log(audit_folder(job, self._records.env), [f"{at} {_line(each)}" for each in happenings])


def _line(happening: Happening) -> str:
    match happening:
        case Accepted(job, event) | Ignored(job, event):
            return f"{type(happening).__name__.lower()} {event.event} (seq {event.seq}), {job.status}"
        case Dropped(_, reason):
            return f"dropped {reason}"
        case Ended(job):
            return f"ended {job.result.ending if job.result else job.status}"
        case _:
            return type(happening).__name__

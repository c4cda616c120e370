"""Follow many jobs over one connection until each of them has ended."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice

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
_GRACE = 2.0  # a follower that starts late must get the retained result before the job times out
_LARGEST_BATCH = 5000  # messages recorded with one write
_LINGER, _LONGEST_WAIT = 0.005, 0.05  # seconds to wait for more of many messages: fewer writes, each of them longer
_MOST_DROPS = 1000  # in the audit of one job: a flood of messages must not fill the disk
_FLUSH_PAUSE, _PAUSE_AFTER_FAILURE = 1.0, 30.0
_ANY_AGE = timedelta(days=36_500)  # no age limit for our own outbox: others cannot replay events there


@dataclass(slots=True)
class _Followed:
    """One job as this follower knows it. The deadlines are times of the monotonic clock."""

    job: Job
    seen: SeenEvents
    deadline: float
    idle_deadline: float
    stamp: tuple[int, int] | None
    drops: int = 0
    is_caught_up: bool = False


def follow(records: Records, bus: Bus, job_ids: Iterable[str]) -> Follower:
    """Return a follower with its subscriptions in place: it gets every event that is published from now on.

    Raises:
        BusRefused: The broker denies a subscription.
        BusUnreachable: The broker does not answer.
        UnknownJob, RecordUnreadable: One of the records is missing or broken.
    """
    follower = Follower(records, bus)
    for job_id in job_ids:
        follower.add(job_id)
    return follower


class Follower:
    """Updates the records of its jobs when signed events arrive, and yields each thing that happens.

    `dropped` counts the rejected messages by reason. Several followers may share a job: each of them yields what
    any of them records.
    """

    def __init__(self, records: Records, bus: Bus) -> None:
        self.dropped: Counter[DropReason] = Counter()
        self._records = records
        self._bus = bus
        self._jobs: dict[str, _Followed] = {}  # by topic
        self._reported_drops = bus.drops
        self._is_offline = False
        self._resend_results = False
        self._next_flush = records.clock.monotonic()

    @property
    def open(self) -> tuple[str, ...]:
        """The ids of the jobs that have not ended."""
        return tuple(each.job.id for each in self._open())

    def add(self, job_id: str) -> None:
        """Follow one more job; the broker has acknowledged the subscription on return. Raises what `follow` raises."""
        stamp, job = stamp_of(self._records, job_id), read(self._records, job_id)
        if not job.ended:
            self._bus.subscribe(job.topic)
        now, elapsed = self._records.clock.monotonic(), self._age(job.created_at)
        self._jobs[job.topic] = _Followed(
            job,
            seen_of(job),
            deadline=now + max(job.timeout - elapsed, _GRACE),
            idle_deadline=now + job.idle_timeout,  # silence counts only from now: earlier events may have been missed
            stamp=stamp,
        )

    def happenings(self) -> Iterator[Happening]:
        """Yield each thing that happens until all jobs have ended. Raises what `step` raises."""
        yield from [Ended(each.job) for each in self._jobs.values() if each.job.ended]
        while self._open():
            yield from self.step(_TICK)

    def step(self, seconds: float) -> list[Happening]:
        """Return what happened since the last step; waits up to `seconds` for a first message.

        Raises:
            BusRefused: The broker ended the connection for good. The jobs stay open for a later follower.
            ReconcilerError: A record or an audit folder cannot be written.
        """
        messages = self._receive(seconds)
        return [
            *self._connection_changes(),
            *self._process(messages),
            *self._read_changed_records(),
            *self._end_timed_out(),
            *self._resend(),
            *self._catch_up(),  # last, so that waiting events reach the broker and its other subscribers first
        ]

    def _open(self) -> list[_Followed]:
        return [each for each in self._jobs.values() if not each.job.ended]

    def _age(self, since: str) -> float:
        """Seconds since then. 0 for a time in the future, which a wrong clock wrote: the job must not get more time."""
        return max((self._records.clock.now() - parse_zoned(since)).total_seconds(), 0.0)

    def _receive(self, seconds: float) -> list[Message]:
        """The messages that wait; of many, also those that follow soon."""
        clock = self._records.clock
        messages = self._waiting(seconds, _LARGEST_BATCH)
        until = clock.monotonic() + _LONGEST_WAIT
        while 1 < len(messages) < _LARGEST_BATCH and clock.monotonic() < until:
            clock.wait(_LINGER)  # to wake up for each message would cost more than to take it
            more = self._waiting(0, _LARGEST_BATCH - len(messages))
            if not more:
                break
            messages += more
        return messages

    def _waiting(self, seconds: float, most: int) -> list[Message]:
        """Up to `most` messages that wait; waits up to `seconds` for the first."""
        first = self._bus.receive(seconds)
        return [] if first is None else [first, *islice(iter(partial(self._bus.receive, 0), None), most - 1)]

    def _connection_changes(self) -> Iterator[Happening]:
        if self._bus.drops > self._reported_drops:
            self._reported_drops = self._bus.drops
            if not self._is_offline:
                self._is_offline = True
                yield ConnectionLost()
        if self._is_offline and self._bus.connected:
            self._is_offline, self._resend_results = False, True
            self._next_flush = self._records.clock.monotonic()
            yield ConnectionBack()

    def _process(self, messages: Iterable[Message]) -> Iterator[Happening]:
        by_topic: dict[str, list[Message]] = {}
        for message in messages:
            by_topic.setdefault(message.topic, []).append(message)
        for topic, about in by_topic.items():
            if topic in self._jobs:
                yield from self._process_job(self._jobs[topic], about)
            else:
                self.dropped[DropReason.FOREIGN_TOPIC] += len(about)
                yield from [Dropped("", DropReason.FOREIGN_TOPIC)] * len(about)

    def _process_job(self, followed: _Followed, messages: Iterable[Message]) -> Iterator[Happening]:
        verdicts = [verdict for verdict in self._verdicts(followed, messages) if verdict is not DropReason.REPEATED]
        if verdicts:
            yield from self._record(followed, verdicts)

    def _verdicts(self, followed: _Followed, messages: Iterable[Message]) -> Iterator[JobEvent | DropReason]:
        now = self._records.clock.now()
        for message in messages:
            verdict = verify_hmac(message, followed.job, followed.seen, now)
            if isinstance(verdict, JobEvent):
                followed.seen.add(verdict)
            yield verdict

    def _record(self, followed: _Followed, verdicts: Iterable[JobEvent | DropReason]) -> Iterator[Happening]:
        try:
            judged = record_heard(self._records, followed.job.id, self._limit_drops(followed, verdicts))
        except (UnknownJob, RecordUnreadable) as error:
            yield self._abandon(followed, error)
            return
        followed.stamp = judged.stamp or followed.stamp  # our own change need not be read again
        self._log(followed.job, judged.happenings)
        yield from judged.happenings
        yield from self._take_over(followed, judged.job)

    def _limit_drops(
        self, followed: _Followed, verdicts: Iterable[JobEvent | DropReason]
    ) -> Iterator[JobEvent | DropReason]:
        """Pass on the verdicts. Rejections beyond the limit are counted, but not recorded."""
        for verdict in verdicts:
            if isinstance(verdict, DropReason):
                self.dropped[verdict] += 1
                followed.drops += 1
            if not isinstance(verdict, DropReason) or followed.drops <= _MOST_DROPS:
                yield verdict

    def _read_changed_records(self) -> Iterator[Happening]:
        for followed in self._open():
            stamp = stamp_of(self._records, followed.job.id)
            if stamp == followed.stamp:
                continue
            try:
                job = read(self._records, followed.job.id)
            except (UnknownJob, RecordUnreadable) as error:
                yield self._abandon(followed, error)
            else:
                yield from self._take_over(followed, job)
                followed.stamp = stamp

    def _take_over(self, followed: _Followed, job: Job) -> Iterator[Happening]:
        """Take over the record. Any change of it is a sign of life and restarts the idle time."""
        before, followed.job = followed.job, job
        if job.updated_at != before.updated_at:
            followed.idle_deadline = self._records.clock.monotonic() + job.idle_timeout
        if job.ended and not before.ended:
            self._log(job, [Ended(job)])
            yield Ended(job)

    def _end_timed_out(self) -> Iterator[Happening]:
        now = self._records.clock.monotonic()
        for followed in self._open():
            if now < followed.deadline and (now < followed.idle_deadline or self._is_alive(followed)):
                continue
            yield from self._read_outbox(followed)
            if followed.job.ended:
                continue
            if now >= followed.deadline:
                yield from self._end(followed, Ending.TIMEOUT, f"not done after {followed.job.timeout:g} s")
            else:
                yield from self._end(followed, Ending.IDLE_TIMEOUT, f"silent for {followed.job.idle_timeout:g} s")

    def _catch_up(self) -> Iterator[Happening]:
        """Read the outbox of each new job once: a broker that was restarted may have lost earlier events."""
        for followed in self._open():
            if not followed.is_caught_up:
                followed.is_caught_up = True
                yield from self._read_outbox(followed)

    def _is_alive(self, followed: _Followed) -> bool:
        """Whether a silent job is still alive: it waits for a permission, or made an event that did not reach us.

        One in a queue may be silent as long as it waits for its agent, and the host that does it says when it ends.
        """
        job = followed.job
        if job.permission or job.is_sent_away or (job.origin and job.delivery is None):
            return True
        said = last_said(outbox_of(self._records, followed.job.id))
        silence = math.inf if said is None else self._records.clock.now().timestamp() - said
        if not 0 <= silence < followed.job.idle_timeout:
            return False
        followed.idle_deadline = self._records.clock.monotonic() + followed.job.idle_timeout - silence
        return True

    def _read_outbox(self, followed: _Followed) -> Iterator[Happening]:
        """Read events from the job's outbox that did not come over the broker: it lost them, or we may not subscribe.

        An event stays in the outbox until the broker has it, so a known event there is not a replay.
        """
        outbox, job, now = outbox_of(self._records, followed.job.id), followed.job, self._records.clock.now()
        said = [Message(job.topic, each.payload) for each in (*waiting(outbox), *filter(None, [result(outbox)]))]
        verdicts = [verify_hmac(each, job, SeenEvents({}), now, _ANY_AGE) for each in said]
        news = [each for each in verdicts if isinstance(each, DropReason) or followed.seen.add_from_disk(each)]
        if news:
            yield from self._record(followed, news)

    def _end(self, followed: _Followed, ending: Ending, why: str) -> Iterator[Happening]:
        result = Result(ending, why, to_millisecond(self._records.clock.now()))
        since = followed.job.updated_at if ending is Ending.IDLE_TIMEOUT else ""
        try:
            job = end_job(self._records, followed.job.id, result, quiet_since=since)
        except (UnknownJob, RecordUnreadable) as error:
            yield self._abandon(followed, error)
        else:
            yield from self._take_over(followed, job)

    def _abandon(self, followed: _Followed, error: ReconcilerError) -> Abandoned:
        del self._jobs[followed.job.topic]
        return Abandoned(followed.job.id, error.summary)

    def _resend(self) -> Iterator[Happening]:
        """Send waiting events. After an outage, also send results again: the broker may have lost them."""
        now = self._records.clock.monotonic()
        if self._is_offline or now < self._next_flush:
            return
        done = flush(self._records, [each.job.id for each in self._jobs.values()], again=self._resend_results)
        self._resend_results = self._resend_results and bool(done.problems)
        self._next_flush = now + (_PAUSE_AFTER_FAILURE if done.problems else _FLUSH_PAUSE)
        if done.problems:
            for followed in self._open():
                yield from self._read_outbox(followed)
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

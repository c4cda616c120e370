"""Followers on a real Mosquitto (TLS, ACL): attacks, outages, crashes, time, and many jobs at once."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from broker.mosquitto import SECRETS, Knobs, Mosquitto, running
from fakes.clock import FakeClock
from jobs.desk import audited, block, desk, event, opened
from msgspec.structs import replace
from waiting import PATIENCE, wait_until

from reconciler.jobs.audit import audit_folder, verify_chain
from reconciler.jobs.follow import Follower, follow
from reconciler.jobs.outbox import outbox_of
from reconciler.jobs.publish import Outcome, publish
from reconciler.jobs.record import Records, UnknownJob, path_of, read, update
from reconciler.jobs.sign import LARGEST_EVENT, sign
from reconciler.jobs.transitions import end_job, note_delivery
from reconciler.model.event_kind import EventKind
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
    JobStatus,
    ResendFailed,
    Resent,
    Result,
)
from reconciler.ports.bus import Message
from reconciler.ports.mqtt import connect

STARTED, PROGRESS, COMPLETED, ERROR = EventKind.STARTED, EventKind.PROGRESS, EventKind.COMPLETED, EventKind.ERROR


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """One that a test may kill."""
    (tmp_path / "broker").mkdir()
    with running(tmp_path / "broker") as broker:
        yield broker


@contextmanager
def following(broker: Mosquitto, records: Records, *job_ids: str) -> Iterator[Follower]:
    with closing(connect(broker.connection("hermes"))) as bus:
        yield follow(records, bus, job_ids)


def happened(follower: Follower, enough: Callable[[list[Happening]], object]) -> list[Happening]:
    """All that happens until it is enough; a test hangs when nothing happens any more."""
    told: list[Happening] = []

    def look() -> object:
        told.extend(follower.step(0.1))
        return enough(told)

    wait_until(look, progress=lambda: len(told))
    return told


def has(kind: type, count: int = 1) -> Callable[[list[Happening]], bool]:
    return lambda told: sum(isinstance(each, kind) for each in told) >= count


def send(broker: Mosquitto, *messages: Message) -> None:
    with closing(connect(broker.connection("claude-worker"))) as worker:
        for message in messages:
            worker.publish(message.topic, message.payload, retain=message.retained)


def genuine(job: Job, *events) -> list[Message]:
    return [Message(job.topic, sign(each, job.auth_token)) for each in events]


def kill(broker: Mosquitto) -> None:
    broker.signal(signal.SIGKILL)
    broker.stop()


def test_a_job_is_followed_from_its_start_to_its_end(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    with following(broker, records, job.id) as follower:
        for kind in (STARTED, PROGRESS, COMPLETED):
            assert publish(records, job.id, kind, f"{kind}!").outcome is Outcome.PUBLISHED
        told = list(follower.happenings())

    assert [type(each).__name__ for each in told] == ["Accepted", "Accepted", "Accepted", "Ended"]
    after = read(records, job.id)
    assert (after.status, after.result.ending, after.result.detail) == (
        JobStatus.COMPLETED,
        Ending.COMPLETED,
        "completed!",
    )
    folder = Path(audit_folder(job, records.env))
    assert verify_chain(str(folder)).broken == 0
    log = (folder / "follower.log").read_text()
    assert [line.split(" ", 1)[1] for line in log.splitlines()] == [
        "accepted started (seq 1), running",
        "accepted progress (seq 2), running",
        "accepted completed (seq 3), completed",
        "ended completed",
    ]


def test_a_request_for_permission_is_on_record_until_the_agent_goes_on(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    with following(broker, records, job.id) as follower:
        publish(records, job.id, EventKind.PERMISSION_REQUIRED, "Bash: ls")
        happened(follower, has(Accepted))
        assert (read(records, job.id).permission.tool, read(records, job.id).permission.what) == ("Bash", "ls")
        publish(records, job.id, PROGRESS)
        happened(follower, has(Accepted))
        assert read(records, job.id).permission is None


# --- attacks ------------------------------------------------------------------------------------------

ATTACKS = {
    DropReason.UNSIGNED: lambda job, _: json.dumps({"job_id": job.id, "event": "completed"}).encode(),
    DropReason.FORGED: lambda job, _: sign(event(job, 9, COMPLETED), "ab" * 32),
    DropReason.REPLAYED_ID: lambda job, first: sign(first, job.auth_token),
    DropReason.REPLAYED_SEQ: lambda job, first: sign(replace(first, id="another"), job.auth_token),
    DropReason.STALE: lambda job, _: sign(event(job, 9, timestamp="2025-01-01T00:00:00Z"), job.auth_token),
    DropReason.FOREIGN_TOPIC: lambda job, _: sign(replace(event(job, 9), job_id="other"), job.auth_token),
    DropReason.OVERSIZED: lambda *_: b"x" * (LARGEST_EVENT + 1),
    DropReason.MALFORMED: lambda *_: b"{",
}


@pytest.mark.parametrize("reason", ATTACKS)
def test_an_attack_is_dropped_counted_and_logged_and_moves_nothing(broker, tmp_path, reason):
    records = desk(tmp_path)
    job = opened(records)
    first = event(job, 1, STARTED)
    with following(broker, records, job.id) as follower:
        attack = Message(job.topic, ATTACKS[reason](job, first))
        send(broker, *genuine(job, first), attack)
        told = happened(follower, has(Dropped))

    assert [each.event if isinstance(each, Accepted) else each for each in told] == [first, Dropped(job.id, reason)]
    assert follower.dropped == Counter({reason: 1})
    assert read(records, job.id).status is JobStatus.RUNNING
    assert audited(records, job)[-1]["reason"] == reason
    assert f"dropped {reason}" in Path(audit_folder(job, records.env), "follower.log").read_text()


def test_every_attack_has_its_test():
    elsewhere = {DropReason.REPEATED, DropReason.UNVERIFIABLE}  # the last one: test_older_records.py
    assert set(ATTACKS) == set(DropReason) - elsewhere


def test_an_event_of_one_job_cannot_end_another(broker, tmp_path):
    records = desk(tmp_path)
    victim, other = opened(records), opened(records)
    with following(broker, records, victim.id, other.id) as follower:
        payload = sign(event(other, 1, COMPLETED), other.auth_token)
        send(broker, Message(victim.topic, payload))
        assert happened(follower, has(Dropped)) == [Dropped(victim.id, DropReason.FOREIGN_TOPIC)]


def test_a_retained_forgery_does_not_keep_a_late_follower_from_waiting(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    send(broker, Message(job.topic, sign(event(job, 1, COMPLETED), "ab" * 32), retained=True))
    with following(broker, records, job.id) as follower:
        happened(follower, has(Dropped))
        send(broker, *genuine(job, event(job, 1, ERROR)))
        assert isinstance(happened(follower, has(Ended))[-1], Ended)
    assert read(records, job.id).status is JobStatus.ERROR


def test_a_flood_of_forgeries_does_not_fill_the_disk(broker, tmp_path, monkeypatch):
    monkeypatch.setattr("reconciler.jobs.follow._MOST_DROPS", 5)
    records = desk(tmp_path)
    job = opened(records)
    with following(broker, records, job.id) as follower:
        send(broker, *[Message(job.topic, b"{")] * 20, *genuine(job, event(job, 1, COMPLETED)))
        happened(follower, has(Ended))
    assert follower.dropped == {DropReason.MALFORMED: 20}
    assert sum(line["what"] == "dropped" for line in audited(records, job)) == 5


def test_an_event_after_the_end_is_logged_and_ignored(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    with following(broker, records, job.id) as follower:
        send(broker, *genuine(job, event(job, 1, COMPLETED), event(job, 2, ERROR)))
        told = happened(follower, has(Ignored))
    assert has(Ended)(told)
    assert read(records, job.id).status is JobStatus.COMPLETED
    assert [line["what"] for line in audited(records, job)] == ["created", "accepted", "ignored"]


# --- late, twice, and others --------------------------------------------------------------------------


def test_a_follower_that_comes_after_the_end_sees_the_result(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    for kind in (STARTED, COMPLETED):
        publish(records, job.id, kind, "late")
    with following(broker, records, job.id) as follower:
        told = list(follower.happenings())
    assert [type(each) for each in told] == [Accepted, Ended]
    assert read(records, job.id).result.detail == "late"


def test_the_end_of_a_recorded_job_is_told_without_the_broker_saying_anything(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    ended = end_job(records, job.id, Result(Ending.CANCELLED, "", job.created_at))
    with following(broker, records, job.id) as follower:
        assert list(follower.happenings()) == [Ended(ended)]


def test_a_job_that_is_not_there_is_told_at_once(broker, tmp_path):
    with pytest.raises(UnknownJob), following(broker, desk(tmp_path), "nobody"):
        pass


def test_two_followers_agree_and_record_everything_once(broker, tmp_path):
    records = desk(tmp_path)
    jobs = [opened(records) for _ in range(5)]
    ids = [job.id for job in jobs]
    with following(broker, records, *ids) as one, following(broker, records, *ids) as two:
        for job in jobs:
            events = [event(job, number) for number in range(1, 5)]
            send(broker, *genuine(job, *events, event(job, 5, COMPLETED)))
        told = [happened(follower, has(Ended, 5)) for follower in (one, two)]
        told[0] += one.step(0)
    for each in told:
        assert sum(isinstance(happening, Accepted) for happening in each) == 25
        assert not has(Dropped)(each)
    for job in jobs:
        assert [line.get("seq") for line in audited(records, job)] == [None, 1, 2, 3, 4, 5]
        assert verify_chain(audit_folder(job, records.env)).broken == 0


def test_what_another_process_does_to_the_record_is_told(broker, tmp_path):
    records = desk(tmp_path)
    cancelled, deleted = opened(records), opened(records)
    with following(broker, records, cancelled.id, deleted.id) as follower:
        end_job(records, cancelled.id, Result(Ending.CANCELLED, "by hand", cancelled.created_at))
        os.unlink(path_of(records, deleted.id))
        told = follower.step(0)
        assert follower.open == ()
    assert [type(each) for each in told] == [Ended, Abandoned]


def test_a_broken_record_leaves_the_other_jobs_alone(broker, tmp_path):
    records = desk(tmp_path)
    good, bad = opened(records), opened(records)
    with following(broker, records, good.id, bad.id) as follower:
        Path(path_of(records, bad.id)).write_text("{")
        send(broker, *genuine(bad, event(bad, 1, COMPLETED)), *genuine(good, event(good, 1, COMPLETED)))
        told = happened(follower, has(Ended))
    assert has(Abandoned)(told)
    assert read(records, good.id).status is JobStatus.COMPLETED


# --- time -----------------------------------------------------------------------------------------------


def ending_after(follower: Follower, clock: FakeClock, seconds: float) -> Ending | None:
    clock.elapsed += seconds
    told = [each for each in follower.step(0) if isinstance(each, Ended)]
    return told[0].job.result.ending if told else None


def test_a_job_that_takes_too_long_times_out(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=100, idle_timeout=1000)
    with following(broker, records, job.id) as follower:
        assert ending_after(follower, clock, 99.9) is None
        assert ending_after(follower, clock, 0.2) is Ending.TIMEOUT
    assert read(records, job.id).status is JobStatus.TIMED_OUT
    assert audited(records, job)[-1]["ending"] == "timeout"


def test_silence_does_not_count_while_nobody_listens(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=1000, idle_timeout=10)
    clock.wait(60)
    with following(broker, records, job.id) as follower:
        assert ending_after(follower, clock, 9.9) is None
        assert ending_after(follower, clock, 0.2) is Ending.IDLE_TIMEOUT


def test_a_silent_job_times_out_and_every_sign_of_life_puts_that_off(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=1000, idle_timeout=10)
    with following(broker, records, job.id) as follower:
        assert ending_after(follower, clock, 9) is None
        send(broker, *genuine(job, event(job, 1, STARTED)))
        happened(follower, has(Accepted))
        assert ending_after(follower, clock, 9) is None
        note_delivery(records, job.id, {"verdict": "submitted"}, delivered=True)
        assert ending_after(follower, clock, 9) is None
        send(broker, Message(job.topic, b"{"))
        happened(follower, has(Dropped))
        assert ending_after(follower, clock, 9.5) is None
        send(broker, Message(job.topic, b"{"))
        happened(follower, has(Dropped))
        assert ending_after(follower, clock, 1) is Ending.IDLE_TIMEOUT


def test_silence_does_not_count_while_a_permission_is_asked_for(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=1000, idle_timeout=10, broker=block(broker))
    with following(broker, records, job.id) as follower:
        publish(records, job.id, EventKind.PERMISSION_REQUIRED, "Bash: ls")
        happened(follower, has(Accepted))
        assert ending_after(follower, clock, 500) is None
        publish(records, job.id, PROGRESS)
        happened(follower, has(Accepted))
        assert ending_after(follower, clock, 9.9) is None
        assert ending_after(follower, clock, 0.2) is Ending.IDLE_TIMEOUT


def test_time_runs_on_while_no_follower_does(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=100, idle_timeout=1000)
    clock.elapsed += 90
    with following(broker, records, job.id) as follower:
        assert ending_after(follower, clock, 9) is None
        assert ending_after(follower, clock, 2) is Ending.TIMEOUT


def test_a_result_that_was_kept_counts_although_time_is_up(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=100, broker=block(broker))
    publish(records, job.id, COMPLETED)
    clock.elapsed += 5000
    with following(broker, records, job.id) as follower:
        told = happened(follower, has(Ended))
    assert told[-1].job.result.ending is Ending.COMPLETED


def test_a_follower_that_comes_late_first_waits_a_moment_for_what_was_kept(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records)
    clock.elapsed += 5000
    with following(broker, records, job.id) as follower:
        assert ending_after(follower, clock, 1) is None
        assert ending_after(follower, clock, 2) is Ending.TIMEOUT


# --- outages --------------------------------------------------------------------------------------------


def test_a_killed_broker_is_told_time_runs_on_and_nothing_that_was_said_is_lost(own_broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, broker=block(own_broker))
    other = opened(records, timeout=10)
    with following(own_broker, records, job.id, other.id) as follower:
        publish(records, job.id, STARTED)
        happened(follower, has(Accepted))
        kill(own_broker)
        happened(follower, has(ConnectionLost))
        outcomes = [publish(records, job.id, kind).outcome for kind in (PROGRESS, COMPLETED)]
        assert outcomes == [Outcome.QUEUED] * 2
        assert ending_after(follower, clock, 11) is Ending.TIMEOUT
        own_broker.start()
        told = happened(follower, has(Ended))

    assert [type(each) for each in told if not isinstance(each, ResendFailed)] == [
        ConnectionBack,
        Resent,
        Accepted,
        Accepted,
        Ended,
    ]
    assert read(records, job.id).status is JobStatus.COMPLETED
    assert dict(read(records, job.id).seen).popitem()[1] == 3


def test_a_result_that_a_killed_broker_forgot_is_kept_there_again(own_broker, tmp_path):
    records = desk(tmp_path)
    done, still_open = opened(records, broker=block(own_broker)), opened(records)
    with following(own_broker, records, done.id, still_open.id) as follower:
        publish(records, done.id, COMPLETED, "kept")
        happened(follower, has(Ended))
        kill(own_broker)
        Path(own_broker.path("mosquitto.db")).unlink(missing_ok=True)
        happened(follower, has(ConnectionLost))
        own_broker.start()
        told = happened(follower, has(Resent))
        assert not has(Dropped)(told + follower.step(0.2))
        with closing(connect(own_broker.connection("hermes"))) as late:
            late.subscribe(done.topic)
            message = late.receive(PATIENCE)
    assert message is not None
    assert json.loads(message.payload)["detail"] == "kept"
    assert [line["what"] for line in audited(records, done)] == ["created", "accepted"]


def test_a_result_that_the_broker_forgot_before_anybody_followed_is_read_on_disk(own_broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(own_broker))
    publish(records, job.id, COMPLETED, "kept")
    kill(own_broker)
    Path(own_broker.path("mosquitto.db")).unlink(missing_ok=True)
    own_broker.start()
    with following(own_broker, records, job.id) as follower:
        told = follower.step(0.1)  # with the first look, not only when its time is up
    assert [type(each) for each in told] == [Accepted, Ended]
    assert read(records, job.id).result.detail == "kept"


@contextmanager
def deaf(broker: Mosquitto, records: Records, job: Job) -> Iterator[Follower]:
    """A follower whose login may write and not read: Mosquitto acknowledges its subscription, and sends nothing."""
    with closing(connect(broker.connection("claude-worker"))) as bus:
        yield follow(records, bus, [job.id])


def test_a_follower_that_hears_nothing_believes_what_the_publisher_has_on_disk(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, timeout=1000, idle_timeout=10, broker=block(broker))
    with deaf(broker, records, job) as follower:
        assert ending_after(follower, clock, 9) is None
        publish(records, job.id, PROGRESS)
        said_at = clock.now().timestamp()
        os.utime(Path(outbox_of(records, job.id).folder) / "counter", (said_at, said_at))
        assert ending_after(follower, clock, 9) is None
        publish(records, job.id, COMPLETED, "all done")
        assert ending_after(follower, clock, 20) is Ending.COMPLETED
    assert read(records, job.id).result.detail == "all done"


def test_events_of_a_user_whose_login_we_lack_are_read_on_disk_and_not_sent_under_a_wrong_password(broker, tmp_path):
    records = desk(tmp_path)
    writer = {**block(broker), "password_file": None, "password_env": "MQTT_PASSWORD"}
    job = opened(records, broker={**writer, "port": broker.closed_port})
    theirs = {"MQTT_USERNAME": "claude-worker", "MQTT_PASSWORD": SECRETS["claude-worker"]}
    publish(replace(records, env={**records.env, **theirs}), job.id, COMPLETED)
    update(records, job.id, lambda job: replace(job, broker=writer))
    ours = {"MQTT_USERNAME": "hermes", "MQTT_PASSWORD": SECRETS["hermes"]}
    seen = replace(records, env={**records.env, **ours})
    denied = broker.log.read_text().count("not authorised")
    with following(broker, seen, job.id) as follower:
        told = happened(follower, has(Ended))
    assert read(records, job.id).status is JobStatus.COMPLETED
    assert "claude-worker" in next(each.reason for each in told if isinstance(each, ResendFailed))
    assert broker.log.read_text().count("not authorised") == denied


def test_what_was_read_on_disk_is_no_replay_when_it_is_read_again_or_comes_from_the_broker(broker, tmp_path):
    clock = FakeClock()
    records = desk(tmp_path, clock)
    job = opened(records, broker={**block(broker), "port": broker.closed_port})
    publish(records, job.id, PROGRESS)
    with following(broker, records, job.id) as follower:
        told = happened(follower, has(ResendFailed))
        clock.wait(60)
        told += happened(follower, has(ResendFailed))
        update(records, job.id, lambda job: replace(job, broker=block(broker)))
        clock.wait(60)
        told += happened(follower, has(Resent))
        publish(records, job.id, COMPLETED)
        told += happened(follower, has(Ended))
    assert [type(each) for each in told] == [Accepted, ResendFailed, ResendFailed, Resent, Accepted, Ended]
    assert follower.dropped == {}


def test_a_follower_that_comes_late_takes_what_others_have_recorded_from_disk_for_no_replay(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker={**block(broker), "port": broker.closed_port})
    publish(records, job.id, PROGRESS)
    with following(broker, records, job.id) as first:
        happened(first, has(Accepted))
    with following(broker, records, job.id) as late:
        told = happened(late, has(ResendFailed))
    assert [type(each) for each in told] == [ResendFailed]
    assert late.dropped == {}


def test_the_follower_sends_what_waits_from_before_its_time(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker={**block(broker), "port": broker.closed_port})
    publish(records, job.id, COMPLETED)
    update(records, job.id, lambda job: replace(job, broker=block(broker)))
    with following(broker, records, job.id) as follower:
        assert [type(each) for each in follower.happenings()] == [Resent, Accepted, Ended]


def test_an_outbox_that_cannot_be_sent_is_told_and_does_not_hinder(broker, tmp_path):
    records = desk(tmp_path)
    stuck, fine = opened(records, broker={**block(broker), "port": broker.closed_port}), opened(records)
    publish(records, stuck.id, COMPLETED)
    with following(broker, records, stuck.id, fine.id) as follower:
        send(broker, *genuine(fine, event(fine, 1, COMPLETED)))
        told = happened(follower, has(Ended))
    assert sum(isinstance(each, ResendFailed) for each in told) == 1


_FOLLOWER = """
import sys
from contextlib import closing
from pathlib import Path
from jobs.desk import desk
from reconciler.jobs.follow import follow
from reconciler.jobs.record import read_all
from reconciler.model.broker import Connection
from reconciler.ports.mqtt import connect
folder, port, password, ca = sys.argv[1:]
records = desk(Path(folder))
open_jobs = [job.id for job in read_all(records)[0] if not job.ended]
with closing(connect(Connection("localhost", int(port), True, "hermes", password, ca))) as bus:
    follower = follow(records, bus, open_jobs)
    print("ready", flush=True)
    for happening in follower.happenings():
        print(type(happening).__name__, flush=True)
"""


@contextmanager
def follower_process(broker: Mosquitto, folder: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    own = broker.connection("hermes")
    command = [sys.executable, "-c", _FOLLOWER, str(folder), str(broker.port), own.password, own.ca_certs]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_a_killed_follower_is_replaced_by_one_that_picks_up_every_open_job(broker, tmp_path):
    records = desk(tmp_path)
    jobs = [opened(records, broker=block(broker)) for _ in range(4)]
    with follower_process(broker, tmp_path) as process:
        for job in jobs:
            publish(records, job.id, STARTED)
        publish(records, jobs[0].id, COMPLETED)
        wait_until(lambda: read(records, jobs[0].id).ended)
        wait_until(lambda: all(read(records, job.id).status is JobStatus.RUNNING for job in jobs[1:]))
        process.kill()
        process.wait()
    publish(records, jobs[1].id, PROGRESS)  # nobody hears it
    publish(records, jobs[1].id, COMPLETED)  # the broker keeps it
    with follower_process(broker, tmp_path) as process:
        publish(records, jobs[2].id, ERROR)
        publish(records, jobs[3].id, COMPLETED)
        said = process.communicate(timeout=PATIENCE)[0].split()
    assert process.returncode == 0
    assert sorted(said) == ["Accepted"] * 3 + ["Ended"] * 3
    assert [read(records, job.id).status for job in jobs] == ["completed", "completed", "error", "completed"]
    assert {verify_chain(audit_folder(job, records.env)).broken for job in jobs} == {0}


# --- many -----------------------------------------------------------------------------------------------


def test_a_hundred_jobs_share_a_follower_and_its_one_connection(broker, tmp_path):
    records = desk(tmp_path)
    jobs = [opened(records) for _ in range(100)]
    before = broker.log.read_text().count("New client connected")
    with following(broker, records, *(job.id for job in jobs)) as follower:
        assert broker.log.read_text().count("New client connected") == before + 1
        rounds = [[event(job, 1, STARTED) for job in jobs], [event(job, 2, PROGRESS) for job in jobs]]
        ends = [event(job, 3, ERROR if number % 2 else COMPLETED) for number, job in enumerate(jobs)]
        for events in (*rounds, ends):
            send(broker, *(genuine(job, each)[0] for job, each in zip(jobs, events, strict=True)))
        told = happened(follower, lambda _: not follower.open)
    assert sum(isinstance(each, Accepted) for each in told) == 300
    assert Counter(read(records, job.id).status for job in jobs) == {"completed": 50, "error": 50}


def test_ten_thousand_events_are_all_recorded_within_bounded_memory(tmp_path):
    records = desk(tmp_path)
    job = opened(records)
    count = 10_000
    (tmp_path / "broker").mkdir()
    with (
        running(tmp_path / "broker", Knobs(extra=("max_queued_messages 10000",))) as broker,
        following(broker, records, job.id) as follower,
        fast_publisher(broker) as publish_fast,
    ):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        publish_fast(genuine(job, *(event(job, number) for number in range(1, count))))
        publish_fast(genuine(job, event(job, count, COMPLETED)))
        accepted = sum(isinstance(each, Accepted) for each in follower.happenings())
    assert accepted == count
    assert not follower.dropped
    assert sum(line["what"] == "accepted" for line in audited(records, job)) == count
    assert verify_chain(audit_folder(job, records.env)).broken == 0
    assert len(follower._jobs[job.topic].seen.ids) <= 256
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


@contextmanager
def fast_publisher(broker: Mosquitto) -> Iterator[Callable[[list[Message]], None]]:
    """Publishes without waiting for each answer, as many publishers together would."""
    with closing(connect(broker.connection("claude-worker"))) as worker:

        def publish_fast(messages: list[Message]) -> None:
            for message in messages:
                sent = worker._client.publish(message.topic, message.payload, qos=1)
            wait_until(sent.is_published, progress=lambda: len(worker._client._out_messages))

        yield publish_fast


def test_no_file_of_a_job_is_left_open_to_others(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    with following(broker, records, job.id) as follower:
        publish(records, job.id, COMPLETED)
        list(follower.happenings())
    folders = [records.folder, outbox_of(records, job.id).folder, audit_folder(job, records.env)]
    modes = {path.stat().st_mode & 0o777 for folder in folders for path in Path(folder).iterdir() if path.is_file()}
    assert modes == {0o600}
    assert {Path(folder).stat().st_mode & 0o777 for folder in folders} == {0o700}

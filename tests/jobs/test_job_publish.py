"""Publishing through a real Mosquitto, and around one that is away."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from broker.mosquitto import SECRETS, Mosquitto, running
from jobs.desk import block, desk, opened
from msgspec.structs import replace
from ports.test_mqtt_port import CONNACK_3, scripted
from waiting import PATIENCE, wait_until

from reconciler.jobs import outbox
from reconciler.jobs.publish import Flushed, Outcome, Publication, flush, publish
from reconciler.jobs.record import Records, UnknownJob, path_of, update
from reconciler.jobs.sign import SeenEvents, verify_hmac
from reconciler.model.event_kind import EventKind
from reconciler.model.job import DropReason, Job, JobEvent
from reconciler.ports import lockfile
from reconciler.ports.mqtt import connect

STARTED, PROGRESS, COMPLETED, ERROR = (
    EventKind.STARTED,
    EventKind.PROGRESS,
    EventKind.COMPLETED,
    EventKind.ERROR,
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def away(broker: Mosquitto) -> dict[str, object]:
    """A broker block that leads nowhere."""
    return {**block(broker), "port": broker.closed_port}


def heard(broker: Mosquitto, job: Job, records: Records, count: int, bus=None) -> list[JobEvent | DropReason]:
    """The next events on the topic, and no more; of a listener from before, or else what the broker keeps."""
    with closing(bus or listening(broker, job)) as listener:
        messages = [listener.receive(PATIENCE) for _ in range(count)]
        assert listener.receive(0) is None
    seen = SeenEvents({})
    verdicts = []
    for message in messages:
        assert message is not None
        verdict = verify_hmac(message, job, seen, records.clock.now())
        verdicts.append(verdict)
        seen.add(verdict)
    return verdicts


def listening(broker: Mosquitto, job: Job):
    bus = connect(broker.connection("hermes"))
    bus.subscribe(job.topic)
    return bus


def reach(records: Records, job: Job, broker: Mosquitto) -> None:
    update(records, job.id, lambda job: replace(job, broker=block(broker)))


def files(records: Records, job: Job) -> list[str]:
    return sorted(name for name in os.listdir(outbox.outbox_of(records, job.id).folder) if name != "counter")


def test_events_arrive_signed_and_in_order(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    bus = listening(broker, job)
    for kind, detail in ((STARTED, ""), (PROGRESS, "half"), (COMPLETED, "all “done”")):
        assert publish(records, job.id, kind, detail) == Publication(Outcome.PUBLISHED)

    events = heard(broker, job, records, 3, bus)
    assert [(e.event, e.detail, e.seq) for e in events] == [
        (STARTED, "", 1),
        (PROGRESS, "half", 2),
        (COMPLETED, "all “done”", 3),
    ]
    assert files(records, job) == ["result.completed"]


def test_only_what_ends_a_job_waits_at_the_broker_for_who_comes_late(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    for kind in (STARTED, ERROR):
        publish(records, job.id, kind)
    assert [e.event for e in heard(broker, job, records, 1)] == [ERROR]


def test_while_the_broker_is_away_events_wait_and_a_later_publish_sends_them_in_order(broker, tmp_path, away):
    records = desk(tmp_path)
    job = opened(records, broker=away)
    for kind in (STARTED, PROGRESS):
        publication = publish(records, job.id, kind)
        assert publication.outcome is Outcome.QUEUED
        assert publication.reason
        assert publication.fix
    waiting = Path(outbox.outbox_of(records, job.id).folder)
    assert {path.stat().st_mode & 0o777 for path in waiting.iterdir()} == {0o600}
    assert waiting.stat().st_mode & 0o777 == 0o700

    reach(records, job, broker)
    bus = listening(broker, job)
    assert publish(records, job.id, COMPLETED).outcome is Outcome.PUBLISHED
    assert [e.seq for e in heard(broker, job, records, 3, bus)] == [1, 2, 3]


def test_a_flush_sends_what_waits_for_many_jobs_over_one_connection(broker, tmp_path, away):
    records = desk(tmp_path)
    jobs = [opened(records, broker=away) for _ in range(3)]
    for job in jobs:
        assert publish(records, job.id, COMPLETED).outcome is Outcome.QUEUED
        reach(records, job, broker)
    before = broker.log.read_text().count("New client connected")
    assert flush(records, [job.id for job in jobs]) == Flushed(3)
    assert broker.log.read_text().count("New client connected") == before + 1
    assert flush(records, [job.id for job in jobs]) == Flushed(0)
    assert flush(records, [job.id for job in jobs], again=True) == Flushed(3)
    for job in jobs:
        assert [e.event for e in heard(broker, job, records, 1)] == [COMPLETED]


def test_what_cannot_be_flushed_is_told_and_kept_and_hinders_no_other(broker, tmp_path, away):
    records = desk(tmp_path)
    unreachable, misled, fine = (opened(records, broker=away) for _ in range(3))
    for job in (unreachable, misled, fine):
        publish(records, job.id, STARTED)
    update(records, misled.id, lambda job: replace(job, broker={"password_env": "NO_SUCH_VARIABLE"}))
    reach(records, fine, broker)

    done = flush(records, [unreachable.id, misled.id, "nobody", fine.id])
    assert (done.sent, len(done.problems)) == (1, 2)
    assert files(records, unreachable) == files(records, misled) == ["000000000001.started"]
    assert files(records, fine) == []


def test_a_flush_leaves_a_job_alone_that_a_publisher_is_busy_with(broker, tmp_path, away):
    records = desk(tmp_path)
    job = opened(records, broker=away)
    publish(records, job.id, STARTED)
    reach(records, job, broker)
    with lockfile.one_at_a_time(outbox.outbox_of(records, job.id).folder):
        assert flush(records, [job.id]) == Flushed(0)
    assert flush(records, [job.id]) == Flushed(1)


def test_a_login_that_we_lack_is_no_problem_while_its_publisher_sends_by_itself(tmp_path, away):
    records = desk(tmp_path)
    job = opened(records, broker=away)
    publish(records, job.id, STARTED)
    update(records, job.id, lambda job: replace(job, broker={**away, "password_file": None, "password_env": "THEIRS"}))
    with lockfile.one_at_a_time(outbox.outbox_of(records, job.id).folder):
        assert flush(records, [job.id]) == Flushed(0)
    [problem] = flush(records, [job.id]).problems
    assert "THEIRS" in problem


def test_the_outbox_is_bounded_but_has_room_for_the_result(tmp_path, away, monkeypatch):
    monkeypatch.setattr("reconciler.jobs.publish.MOST_WAITING", 3)
    records = desk(tmp_path)
    job = opened(records, broker=away)
    outcomes = [publish(records, job.id, kind).outcome for kind in (*[PROGRESS] * 4, COMPLETED)]
    assert outcomes == [*[Outcome.QUEUED] * 3, Outcome.FAILED, Outcome.QUEUED]


def test_the_result_is_said_once(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    assert publish(records, job.id, COMPLETED, "first").outcome is Outcome.PUBLISHED
    assert publish(records, job.id, COMPLETED, "second").outcome is Outcome.PUBLISHED
    for kind in (ERROR, PROGRESS):
        refused = publish(records, job.id, kind)
        assert (refused.outcome, "completed" in refused.reason) == (Outcome.FAILED, True)
    assert [e.detail for e in heard(broker, job, records, 1)] == ["first"]


REFUSALS = {
    "wrong password": {"password_file": None, "password": "wrong"},
    "may not write": {"username": "hermes", "password_file": None, "password": SECRETS["hermes"]},
    "unset variable": {"password_file": None, "password_env": "NO_SUCH_VARIABLE"},
    "no such setting": {"hots": "x"},
}


@pytest.mark.parametrize("change", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_event_failed_and_is_not_kept(broker, tmp_path, change):
    records = desk(tmp_path)
    job = opened(records)
    settings = {key: value for key, value in {**block(broker), **change}.items() if value is not None}
    update(records, job.id, lambda job: replace(job, broker=settings))
    publication = publish(records, job.id, COMPLETED)
    assert publication.outcome is Outcome.FAILED
    assert publication.reason
    assert not [secret for secret in (*SECRETS.values(), "wrong", job.auth_token) if secret in publication.reason]
    assert files(records, job) == []


def test_what_a_broker_of_3_1_1_has_taken_is_not_said_to_be_allowed(tmp_path):
    def refuse(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(b"\x20\x02\x00\x01")

    def take(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(CONNACK_3)
        client.sendall(b"\x40\x02" + _packet_id(client.recv(4096)))
        client.recv(1024)

    records = desk(tmp_path)
    with scripted(refuse, take) as connection:
        job = opened(records, broker={"host": connection.host, "port": connection.port})
        said = publish(records, job.id, STARTED)
    assert said.outcome is Outcome.PUBLISHED
    assert said.reason == "this broker uses MQTT 3.1.1, which does not report a denied publish"


def _packet_id(packet: bytes) -> bytes:
    """Of a PUBLISH (MQTT 3.1.1, section 3.3): behind its length, of one or two bytes, and its topic."""
    at = 3 if packet[1] & 0x80 else 2
    end = at + 2 + int.from_bytes(packet[at : at + 2], "big")
    return packet[end : end + 2]


def test_a_job_that_is_not_there_is_told_and_leaves_no_folder(tmp_path):
    with pytest.raises(UnknownJob):
        publish(desk(tmp_path), "nobody", STARTED)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_counter_makes_another_publisher(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    bus = listening(broker, job)
    publish(records, job.id, STARTED)
    counter = Path(outbox.outbox_of(records, job.id).folder, "counter")
    counter.write_text("damaged")
    publish(records, job.id, PROGRESS)
    first, second = heard(broker, job, records, 2, bus)
    assert first.publisher != second.publisher


@pytest.mark.parametrize(
    "damage", ['{"publisher": "p", "seq": "x"}', '{"publisher": ["p"], "seq": 1}', '{"seq": 4}', "[" * 5000, "[]"]
)
def test_a_counter_that_says_no_number_counts_as_lost(tmp_path, damage):
    box = outbox.outbox_of(desk(tmp_path), "20260625T031924000-0123456789abcdef")
    Path(box.folder).mkdir(parents=True)
    Path(box.folder, "counter").write_text(damage)
    publisher, number = outbox.next_number(box)
    assert (publisher != "p", number) == (True, 1)
    assert outbox.next_number(box) == (publisher, 2)


_PUBLISHER = """
import sys
from pathlib import Path
from jobs.desk import desk
from reconciler.jobs.publish import publish
from reconciler.model.job import EventKind
folder, job_id = sys.argv[1:]
for _ in range(5):
    print(publish(desk(Path(folder)), job_id, EventKind.PROGRESS).outcome, flush=True)
"""


def publisher(tmp_path: Path, job: Job) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _PUBLISHER, str(tmp_path), job.id]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def test_publishers_at_the_same_time_never_overtake_each_other(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    bus = listening(broker, job)
    publishers = [publisher(tmp_path, job) for _ in range(3)]
    assert [each.communicate(timeout=PATIENCE)[0].split() for each in publishers] == [["published"] * 5] * 3
    assert [e.seq for e in heard(broker, job, records, 15, bus)] == list(range(1, 16))


def test_what_a_killed_publisher_could_not_hand_over_is_sent_later(tmp_path):
    records = desk(tmp_path)
    (tmp_path / "broker").mkdir()
    with running(tmp_path / "broker") as broker:
        job = opened(records, broker=block(broker))
        broker.signal(signal.SIGSTOP)
        killed = publisher(tmp_path, job)
        wait_until(lambda: Path(outbox.outbox_of(records, job.id).folder, "000000000001.progress").exists())
        killed.kill()
        killed.communicate()
        broker.signal(signal.SIGCONT)
        bus = listening(broker, job)
        publish(records, job.id, STARTED)
        assert [e.event for e in heard(broker, job, records, 2, bus)] == [PROGRESS, STARTED]


def test_the_token_and_the_password_reach_nobody_but_through_files(broker, tmp_path):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker))
    assert SECRETS["claude-worker"] not in Path(path_of(records, job.id)).read_text()
    publish(records, job.id, COMPLETED)
    result = Path(outbox.outbox_of(records, job.id).folder, "result.completed").read_text()
    assert json.loads(result)["hmac"]
    assert job.auth_token not in result + broker.log.read_text()

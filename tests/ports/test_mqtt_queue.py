"""Jobs for other hosts in boxes, with a real Mosquitto, over MQTT 5 and over 3.1.1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from broker.mosquitto import Knobs, Mosquitto, running
from waiting import PATIENCE, wait_until

from reconciler.model.destination import Destination
from reconciler.model.errors import UsageError
from reconciler.ports import mqtt, mqtt_queue
from reconciler.ports.bus import LARGEST_PAYLOAD, BusRefused, BusUnreachable, Message
from reconciler.ports.mqtt import connect
from reconciler.ports.mqtt_queue import MqttQueue, _OwnBoxes
from reconciler.ports.queue import JobQueue, QueuedJob

ACL = """\
user hermes
topic readwrite lab/#
user claude-worker
topic write lab/#
"""
B, C = Destination(host="b"), Destination(host="c")
RESULT = b'{"event": "completed"}'
Open = Callable[..., JobQueue]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker"), Knobs(acl=ACL)) as broker:
        yield broker


@pytest.fixture(params=["5", "3.1.1"])
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of MQTT that every queue of the test speaks."""
    if request.param == "3.1.1":
        old = lambda connection, patience: mqtt._opened(connection, None, patience, mqtt5=False)  # noqa: E731
        monkeypatch.setattr(mqtt_queue, "connect", old)
    return str(request.param)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """One of the test's own: the broker lives on."""
    return f"lab/{''.join(c if c.isalnum() else '-' for c in request.node.name)[:80]}"


@pytest.fixture
def opened(broker: Mosquitto, prefix: str) -> Iterator[Open]:
    """Opens the queue of a host; all are closed with the test."""
    with ExitStack() as stack:

        def new(host: str, user: str = "hermes", patience: float = PATIENCE) -> JobQueue:
            queue = MqttQueue(broker.connection(user), prefix, host, patience=patience)
            return stack.enter_context(closing(queue))

        yield new


def job(number: int, to: Destination = B) -> QueuedJob:
    return QueuedJob(f"20261130T10000000{number}-00", to, f"job {number}".encode())


def result(prefix: str, number: int = 1) -> Message:
    return Message(f"{prefix}/{job(number).id}/events", RESULT)


def kept(broker: Mosquitto, topic_filter: str) -> dict[str, bytes]:
    """The retained messages; the last message is one that comes after them."""
    with closing(connect(broker.connection("hermes"))) as bus:
        bus.subscribe(topic_filter)
        bus.subscribe("lab/end")
        bus.publish("lab/end", b"end")
        found = {}
        while (message := bus.receive(PATIENCE)) and message.topic != "lab/end":
            found[message.topic] = message.payload
        assert message
        return found


@pytest.mark.usefixtures("protocol")
def test_a_job_waits_for_its_host_and_is_claimed_there(opened: Open) -> None:
    a = opened("a")
    a.submit(job(1))
    a.submit(job(2, C))
    a.submit(job(1))
    b = opened("b")
    claim = b.claim(PATIENCE)
    assert claim
    assert (claim.id, claim.to, claim.envelope, claim.tries) == (job(1).id, B, b"job 1", 1)
    assert b.begin(claim)
    assert b.begin(claim)
    assert b.claim(0.2) is None, "the other job is for another host"
    a.submit(job(3))
    claim = b.claim(PATIENCE)
    assert claim
    assert claim.id == job(3).id


@pytest.mark.usefixtures("protocol")
def test_a_job_is_claimed_again_only_if_its_first_host_never_recorded_it(opened: Open) -> None:
    opened("a").submit(job(1))
    first = opened("b")
    assert first.claim(PATIENCE)
    first.close()
    second = opened("b")
    claim = second.claim(PATIENCE)
    assert claim
    second.heartbeat(claim)
    second.close()
    assert opened("b").claim(0.2) is None


@pytest.mark.usefixtures("protocol")
def test_the_result_is_kept_and_the_box_is_empty(opened: Open, broker: Mosquitto, prefix: str) -> None:
    opened("a").submit(job(1))
    b = opened("b")
    claim = b.claim(PATIENCE)
    assert claim
    assert kept(broker, f"{prefix}/#") == {f"{prefix}/hosts/b/jobs/{job(1).id}": b"job 1"}
    b.finish(claim, result(prefix))
    b.finish(claim, result(prefix))
    assert kept(broker, f"{prefix}/#") == {result(prefix).topic: RESULT}
    assert b.claim(0.2) is None


def test_what_is_submitted_again_while_it_is_held_is_not_claimed_and_is_gone_at_the_end(
    opened: Open, broker: Mosquitto, prefix: str
) -> None:
    a, b = opened("a"), opened("b")
    a.submit(job(1))
    claim = b.claim(PATIENCE)
    assert claim
    b.heartbeat(claim)
    a.submit(job(1))
    a.submit(job(2))
    other = b.claim(PATIENCE)
    assert other
    assert other.id == job(2).id
    b.finish(claim, result(prefix))
    b.finish(other, result(prefix, 2))
    assert kept(broker, f"{prefix}/hosts/#") == {}


def test_a_job_that_is_submitted_again_after_its_end_is_answered_by_the_host(opened: Open, prefix: str) -> None:
    a, b = opened("a"), opened("b")
    for _ in range(3):
        a.submit(job(1))
        claim = b.claim(PATIENCE)
        assert claim
        assert claim.id == job(1).id
        b.finish(claim, result(prefix))


def test_a_heartbeat_says_nothing_while_the_box_is_empty(opened: Open, broker: Mosquitto, prefix: str) -> None:
    opened("a").submit(job(1))
    b = opened("b")
    claim = b.claim(PATIENCE)
    assert claim
    with closing(connect(broker.connection("hermes"))) as watching:
        watching.subscribe(f"{prefix}/hosts/b/jobs/+")
        for _ in range(3):
            b.heartbeat(claim)
        b.submit(job(2))
        seen = [watching.receive(PATIENCE) for _ in range(3)]
    assert [each.payload for each in seen if each] == [b"job 1", b"", b"job 2"]


@pytest.mark.usefixtures("protocol")
def test_a_job_is_taken_back_only_before_it_is_claimed(opened: Open, broker: Mosquitto, prefix: str) -> None:
    a, b = opened("a"), opened("b")
    a.submit(job(1))
    a.withdraw(job(1).id, B)
    a.withdraw(job(1).id, B)
    assert b.claim(0.2) is None
    a.submit(job(2))
    claim = b.claim(PATIENCE)
    assert claim
    a.withdraw(claim.id, B)
    b.finish(claim, result(prefix, 2))
    assert kept(broker, f"{prefix}/#") == {result(prefix, 2).topic: RESULT}


def test_pools_need_the_other_backend(opened: Open) -> None:
    a, pool = opened("a"), Destination(pool="claude")
    calls: list[Callable[[], object]] = [
        lambda: a.submit(job(1, pool)),
        lambda: a.withdraw("x", pool),
        lambda: a.claim(0, ["claude"]),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"a pool needs jobs\.backend: nats") as caught:
            call()
        assert caught.value.fix


HOSTILE_IDS = ("-option", "a..b", "x" * 200, "job.json", "\u00e4", " ", "a b")


def test_a_box_whose_name_is_not_the_id_of_a_job_is_left_alone(opened: Open, broker: Mosquitto, prefix: str) -> None:
    boxes = {f"{prefix}/hosts/b/jobs/{each}": b"x" for each in HOSTILE_IDS}
    a = opened("a")
    for topic in boxes:
        a.bus.publish(topic, b"x", retain=True)
    a.submit(job(1))
    b = opened("b")
    claim = b.claim(PATIENCE)
    assert claim
    assert claim.id == job(1).id
    assert b.claim(0.2) is None
    b.heartbeat(claim)
    assert kept(broker, f"{prefix}/hosts/#") == boxes


# --- dead letters


@pytest.mark.usefixtures("protocol")
def test_dead_letters_of_all_hosts_are_read_oldest_first_and_dropped(opened: Open) -> None:
    a = opened("a")
    assert a.dead_letters() == ()
    for number, to in ((1, B), (2, C), (3, B)):
        a.submit(job(number, to))
        host = opened(to.host)
        claim = host.claim(PATIENCE)
        assert claim
        host.dead_letter(claim, f"why {number}")
        host.dead_letter(claim, f"why {number}")
        assert host.claim(0.2) is None
    letters = a.dead_letters()
    assert [(each.id, each.to, each.envelope, each.why, each.host) for each in letters] == [
        (job(1).id, B, b"job 1", "why 1", "b"),
        (job(2).id, C, b"job 2", "why 2", "c"),
        (job(3).id, B, b"job 3", "why 3", "b"),
    ]
    assert [each.at for each in letters] == sorted(each.at for each in letters)
    a.drop(letters[0])
    a.drop(letters[0])
    assert a.dead_letters() == letters[1:]
    assert a.claim(0) is None
    assert a.bus.receive(0.2) is None, "none of this is an event"


def test_an_envelope_is_kept_byte_for_byte(opened: Open) -> None:
    envelope = bytes(range(256)) + b'\n\n{"a": 1}\n'
    a, b = opened("a"), opened("b")
    a.submit(QueuedJob("j", B, envelope))
    claim = b.claim(PATIENCE)
    assert claim
    b.dead_letter(claim, 'a "reason"\nof two lines with \udc80')
    (letter,) = a.dead_letters()
    assert letter.envelope == envelope
    assert letter.why == 'a "reason"\nof two lines with ?'


def test_the_largest_job_can_be_a_dead_letter_too(opened: Open) -> None:
    a, b = opened("a"), opened("b")
    a.submit(QueuedJob("j", B, b"x" * LARGEST_PAYLOAD))
    claim = b.claim(PATIENCE)
    assert claim
    b.dead_letter(claim, "w" * 100_000)
    (letter,) = a.dead_letters()
    assert letter.envelope == b""
    assert letter.why.endswith("w; its envelope was too large to keep")
    assert opened("b").claim(0.2) is None


DAMAGED = {
    "b/dead/j1": b"",
    "b/dead/j2": b"no JSON",
    "b/dead/j3": b"[1]\nx",
    "b/dead/j4": b'{"why": 1, "host": "b", "at": ""}\nx',
    "b/dead/j5": b'{"why": "", "host": "other", "at": ""}\nx',
    "b/dead/j6": b"[" * 60_000,
    "b/dead/j7": b'{"why": "\xff", "host": "b", "at": ""}\nx',
    "b/dead/-j8": b'{"why": "", "host": "b", "at": ""}\nx',
    "a b/dead/j9": b'{"why": "", "host": "a b", "at": ""}\nx',
    "b/dead/j10": b'{"x": ' + b"[" * 60_000,
}


def test_what_is_not_a_dead_letter_is_skipped(opened: Open, prefix: str) -> None:
    a, b = opened("a"), opened("b")
    for topic, payload in DAMAGED.items():
        a.bus.publish(f"{prefix}/hosts/{topic}", payload, retain=True)
    a.submit(job(1))
    claim = b.claim(PATIENCE)
    assert claim
    b.dead_letter(claim, "real")
    assert [each.why for each in a.dead_letters()] == ["real"]


def test_more_dead_letters_than_the_broker_sends_at_once_are_all_read(opened: Open) -> None:
    a, b = opened("a"), opened("b")
    for number in range(60):
        b.submit(QueuedJob(f"j{number}", B, b"x"))
        claim = b.claim(PATIENCE)
        assert claim
        b.dead_letter(claim, "")
    assert {each.id for each in a.dead_letters()} == {f"j{number}" for number in range(60)}


def test_who_may_not_read_dead_letters_is_told_and_does_not_get_none(opened: Open) -> None:
    worker = opened("a", "claude-worker", 1.0)
    with pytest.raises(BusUnreachable, match="did not send the dead letters") as caught:
        worker.dead_letters()
    assert "claude-worker may not read them" in caught.value.detail
    assert "reconciler" in caught.value.fix


def test_a_denied_request_is_told(broker: Mosquitto) -> None:
    with closing(MqttQueue(broker.connection("hermes"), "outside", "a", patience=PATIENCE)) as queue:
        with pytest.raises(BusRefused):
            queue.submit(job(1))
        with pytest.raises(BusRefused):
            queue.dead_letters()


# --- the bus, and a connection that is lost


def test_events_and_boxes_are_parted(opened: Open, prefix: str) -> None:
    a, b = opened("a"), opened("b")
    bus = b.bus
    bus.subscribe(f"{prefix}/+/events")
    bus.subscribe(f"{prefix}/hosts/b/cancels/+")
    assert b.claim(0) is None
    a.bus.publish(f"{prefix}/1/events", b"one")
    a.submit(job(1))
    a.bus.publish(f"{prefix}/hosts/b/cancels/1", b"stop", retain=True)
    a.submit(job(2))
    first = b.claim(PATIENCE)
    assert first
    assert bus.receive(PATIENCE) == Message(f"{prefix}/1/events", b"one")
    assert bus.receive(PATIENCE) == Message(f"{prefix}/hosts/b/cancels/1", b"stop")
    assert bus.receive(0.2) is None, "the other box is not for the bus"
    second = b.claim(PATIENCE)
    assert second
    assert {first.id, second.id} == {job(1).id, job(2).id}
    assert (bus.connected, bus.drops, bus.tells_denials) == (True, 0, True)


def test_closing_twice_is_fine_and_the_bus_is_the_same_connection(opened: Open) -> None:
    queue = opened("b")
    queue.bus.close()
    queue.close()
    wait_until(lambda: not queue.bus.connected)


@pytest.mark.usefixtures("protocol")
def test_a_restarted_broker_loses_and_repeats_no_claim(tmp_path, prefix: str) -> None:
    with running(tmp_path, Knobs(acl=ACL)) as broker, ExitStack() as stack:
        opened = lambda host: stack.enter_context(  # noqa: E731
            closing(MqttQueue(broker.connection("hermes"), prefix, host, patience=PATIENCE))
        )
        a, b = opened("a"), opened("b")
        a.submit(job(1))
        a.submit(job(2))
        held = [b.claim(PATIENCE), b.claim(PATIENCE)]
        claims = {each.id: each for each in held if each}
        b.heartbeat(claims[job(1).id])
        broker.stop()
        wait_until(lambda: b.bus.drops and a.bus.drops)
        assert b.claim(0) is None
        broker.start()
        wait_until(lambda: b.bus.connected and a.bus.connected)
        a.submit(job(3))
        new = b.claim(PATIENCE)
        assert new
        assert new.id == job(3).id
        assert b.claim(0.2) is None
        for each in (*claims.values(), new):
            b.finish(each, Message(f"{prefix}/{each.id}/events", RESULT))
        assert kept(broker, f"{prefix}/hosts/#") == {}


def test_a_job_that_was_taken_back_while_the_host_was_cut_off_is_not_claimed(tmp_path, prefix: str) -> None:
    with (
        running(tmp_path, Knobs(acl=ACL)) as broker,
        closing(MqttQueue(broker.connection("hermes"), prefix, "a", patience=PATIENCE)) as a,
        closing(MqttQueue(broker.connection("hermes"), prefix, "b", patience=PATIENCE)) as b,
    ):
        assert b.claim(0) is None
        b.bus.subscribe(f"{prefix}/+/events")
        a.submit(job(1))
        a.submit(job(2))
        a.bus.publish(f"{prefix}/1/events", b"")
        assert b.bus.receive(PATIENCE), "both boxes have been seen, too"
        broker.stop()
        wait_until(lambda: a.bus.drops and b.bus.drops)
        broker.start_anew()  # so that the broker does not tell what was emptied
        wait_until(lambda: a.bus.connected and b.bus.connected)
        a.submit(job(2))
        claim = b.claim(PATIENCE)
        assert claim
        assert claim.id == job(2).id
        assert b.claim(0.2) is None


def test_more_boxes_than_the_broker_has_room_for_are_all_claimed(tmp_path, prefix: str) -> None:
    few = ("max_queued_messages 20", "max_inflight_messages 10")
    with running(tmp_path, Knobs(acl=ACL, extra=few)) as broker:
        with closing(MqttQueue(broker.connection("hermes"), prefix, "a", patience=PATIENCE)) as a:
            for number in range(150):
                a.submit(QueuedJob(f"j{number}", B, b"x"))
        with closing(MqttQueue(broker.connection("hermes"), prefix, "b", patience=PATIENCE)) as b:
            claimed: list[str] = []

            def all_claimed() -> bool:
                while claim := b.claim(0.2):
                    b.heartbeat(claim)
                    claimed.append(claim.id)
                return len(claimed) >= 150

            wait_until(all_claimed, progress=lambda: len(claimed))
    assert sorted(claimed) == sorted(f"j{number}" for number in range(150))


def test_a_full_box_that_was_sent_before_it_was_emptied_does_not_count() -> None:
    boxes = _OwnBoxes()
    boxes.change("j", b"1")
    assert boxes.take() == ("j", b"1")
    boxes.expect_emptied("j")
    boxes.keep("j")
    boxes.release("j")
    boxes.change("j", b"1")
    assert boxes.take() is None
    boxes.change("j", b"")
    boxes.change("j", b"2")
    assert boxes.take() == ("j", b"2")

"""What every bus promises: MQTT over a real Mosquitto, a real NATS server, and the files of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from broker.jetstream import JetStream, serving
from broker.mosquitto import Mosquitto, running
from waiting import PATIENCE

from reconciler.ports.bus import LARGEST_PAYLOAD, Bus, BusRefused, Cause, Message
from reconciler.ports.local_bus import LocalBus
from reconciler.ports.mqtt import connect
from reconciler.ports.nats_bus import nats_bus

Open = Callable[[str], Bus]
ALL = "python/mqtt/jobs/+/events"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def jetstream(tmp_path: Path) -> Iterator[JetStream]:
    """One for each test, because it keeps everything."""
    with serving(tmp_path) as server:
        yield server


@pytest.fixture(params=["mqtt", "files", "nats"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens a bus as a user of the broker: `hermes` reads, `claude-worker` writes."""
    if request.param == "nats":
        server = request.getfixturevalue("jetstream").server
        return lambda _user: nats_bus(server, PATIENCE)
    if request.param == "files":
        return lambda _user: LocalBus(str(tmp_path / "jobs"))
    broker = request.getfixturevalue("broker")
    return lambda user: connect(broker.connection(user))


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """One of the test's own: the broker lives on."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)[-60:].strip("-")
    return f"python/mqtt/jobs/{name}/events"


def received(bus: Bus, seconds: float = PATIENCE) -> Message:
    message = bus.receive(seconds)
    assert message is not None, "nothing arrived"
    return message


def test_messages_arrive_once_in_order_with_topic_and_payload(opened: Open, topic: str) -> None:
    payloads = [b"started", b"", b"\0\n\xff {}", b"x" * 10_000]
    with closing(opened("hermes")) as reader, closing(opened("claude-worker")) as writer:
        reader.subscribe(topic)
        for payload in payloads:
            writer.publish(topic, payload)
        assert [received(reader) for _ in payloads] == [Message(topic, payload) for payload in payloads]
        assert reader.receive(0) is None
        assert (reader.connected, reader.drops) == (True, 0)


def test_only_what_matches_arrives_and_one_filter_takes_many_jobs(opened: Open, topic: str) -> None:
    other = topic.replace("/events", "-2/events")
    with (
        closing(opened("hermes")) as one,
        closing(opened("hermes")) as all_of_them,
        closing(opened("claude-worker")) as writer,
    ):
        one.subscribe(topic)
        all_of_them.subscribe(ALL)
        writer.publish(other, b"2")
        writer.publish(topic, b"1")
        assert received(one) == Message(topic, b"1")
        found = {message.topic: message.payload for message in (received(all_of_them), received(all_of_them))}
        assert found == {topic: b"1", other: b"2"}
        assert one.receive(0) is None


@pytest.mark.parametrize("opened", ["mqtt", "files"], indirect=True)
def test_what_was_said_before_is_gone_but_for_what_is_kept(opened: Open, topic: str) -> None:
    with closing(opened("claude-worker")) as writer:
        writer.publish(topic, b"started")
        writer.publish(topic, b"error", retain=True)
        writer.publish(topic, b"completed", retain=True)
        with closing(opened("hermes")) as late:
            late.subscribe(topic)
            assert received(late) == Message(topic, b"completed", retained=True)
            writer.publish(topic, b"again")
            assert received(late) == Message(topic, b"again")
        writer.publish(topic, b"", retain=True)
        with closing(opened("hermes")) as later:
            later.subscribe(topic)
            assert later.receive(0.2) is None


@pytest.mark.parametrize("opened", ["nats"], indirect=True)
def test_a_nats_server_keeps_everything_that_was_said_before_until_it_is_deleted(opened: Open, topic: str) -> None:
    with closing(opened("claude-worker")) as writer:
        writer.publish(topic, b"started")
        writer.publish(topic, b"completed", retain=True)
        with closing(opened("hermes")) as late:
            late.subscribe(topic)
            assert [received(late) for _ in range(2)] == [
                Message(topic, b"started", retained=True),
                Message(topic, b"completed", retained=True),
            ]
            writer.publish(topic, b"again")
            assert received(late) == Message(topic, b"again")
        writer.publish(topic, b"", retain=True)
        with closing(opened("hermes")) as later:
            later.subscribe(topic)
            assert later.receive(0.2) is None


def test_a_publish_that_nobody_listens_to_is_a_success(opened: Open, topic: str) -> None:
    with closing(opened("claude-worker")) as writer:
        writer.publish(topic, b"x")


def test_a_payload_above_the_cap_never_leaves(opened: Open, topic: str) -> None:
    with closing(opened("claude-worker")) as writer:
        with pytest.raises(BusRefused) as caught:
            writer.publish(topic, b"x" * (LARGEST_PAYLOAD + 1))
        assert caught.value.cause is Cause.TOO_LARGE
        assert caught.value.fix


def test_closing_twice_is_fine(opened: Open) -> None:
    bus = opened("hermes")
    bus.close()
    bus.close()

"""The MQTT client against a real Mosquitto, and against a scripted one for what 2.0 never says."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from broker.mosquitto import SECRETS, Authority, Knobs, Mosquitto, running
from msgspec.structs import replace
from waiting import PATIENCE, wait_until

from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError, Unreachable
from reconciler.ports.bus import LARGEST_PAYLOAD, BusRefused, BusUnreachable, Cause, Message, Will
from reconciler.ports.mqtt import connect

TOPIC = "python/mqtt/jobs/j1/events"
SOON = 5.0  # seconds: how long a client tries, or a scripted broker waits for one that need not come


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(
        tmp_path_factory.mktemp("broker"), Knobs(mtls=True, names=("localhost",), extra=("max_packet_size 32768",))
    ) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def received(bus, seconds: float = PATIENCE) -> Message:
    message = bus.receive(seconds)
    assert message is not None, "nothing arrived"
    return message


def test_a_message_arrives_once_with_its_topic_and_payload(broker):
    with (
        closing(connect(broker.connection("hermes"))) as observer,
        closing(connect(broker.connection("claude-worker"))) as worker,
    ):
        observer.subscribe(TOPIC)
        worker.publish(TOPIC, b"started")

        assert received(observer) == Message(TOPIC, b"started")
        assert observer.receive(0) is None
        assert worker.tells_denials


def test_a_publish_that_nobody_listens_to_is_a_success(broker):
    with closing(connect(broker.connection("claude-worker"))) as worker:
        worker.publish("python/mqtt/jobs/nobody/events", b"x")


def test_a_retained_message_waits_for_who_comes_late_until_it_is_cleared(broker):
    with closing(connect(broker.connection("claude-worker"))) as worker:
        worker.publish(TOPIC, b"completed", retain=True)
        with closing(connect(broker.connection("hermes"))) as late:
            late.subscribe(TOPIC)
            assert received(late) == Message(TOPIC, b"completed", retained=True)
        worker.publish(TOPIC, b"", retain=True)


def test_a_denied_publish_is_an_error(broker):
    with closing(connect(broker.connection("hermes"))) as observer, pytest.raises(BusRefused) as caught:
        observer.publish(TOPIC, b"x")

    assert caught.value.cause is Cause.NOT_AUTHORISED
    assert "hermes" in caught.value.summary
    assert caught.value.fix


def test_a_payload_above_the_cap_never_leaves(broker):
    with closing(connect(broker.connection("claude-worker"))) as worker:
        with pytest.raises(BusRefused) as caught:
            worker.publish(TOPIC, b"x" * (LARGEST_PAYLOAD + 1))
        assert caught.value.cause is Cause.TOO_LARGE
        assert worker.drops == 0


def test_a_payload_above_the_brokers_own_limit_is_told_by_name(broker):
    with closing(connect(broker.connection("claude-worker"))) as worker:
        with pytest.raises(BusRefused) as caught:
            worker.publish(TOPIC, b"x" * 32_760)
        assert caught.value.cause is Cause.TOO_LARGE
        worker.publish(TOPIC, b"x" * 32_700)
        assert worker.drops == 0


LOGINS = {
    "wrong password": {"password": "wrong"},
    "no such user": {"username": "nobody"},
    "anonymous": {"username": "", "password": ""},
}


@pytest.mark.parametrize("change", LOGINS.values(), ids=LOGINS)
def test_who_may_not_log_in_is_told_so(broker, change):
    with pytest.raises(BusRefused) as caught:
        connect(replace(broker.connection("hermes"), **change))

    assert caught.value.cause is Cause.BAD_LOGIN
    assert not any(secret in str(vars(caught.value)) for secret in SECRETS.values())


def test_every_fault_of_tls_has_its_name(broker, tmp_path):
    Authority(tmp_path, "other")
    good = broker.connection("hermes")
    faults = {
        Cause.UNTRUSTED: replace(good, ca_certs=str(tmp_path / "other.crt")),
        Cause.WRONG_NAME: replace(good, host="127.0.0.1"),
        Cause.CLOSED: replace(good, tls=False, ca_certs=""),
        Cause.NO_ANSWER: replace(good, port=broker.closed_port),
    }
    assert {cause: refused(connection) for cause, connection in faults.items()} == {cause: cause for cause in faults}


def refused(connection: Connection) -> Cause:
    with pytest.raises(Unreachable) as caught:
        connect(connection, patience=SOON)
    assert isinstance(caught.value, BusUnreachable)
    assert caught.value.fix
    return caught.value.cause


def test_an_expired_certificate_is_told(tmp_path):
    with running(tmp_path, Knobs(valid_days=(-60, -1))) as broker:
        assert refused(broker.connection("hermes")) is Cause.EXPIRED


def test_tls_to_a_plain_port_is_told(tmp_path):
    Authority(tmp_path, "any")
    with running(tmp_path, Knobs(tls=False)) as broker:
        connection = replace(broker.connection("hermes"), tls=True, ca_certs=str(tmp_path / "any.crt"))
        assert refused(connection) is Cause.NO_TLS


def test_a_plain_connection_works_where_the_broker_is_plain(tmp_path):
    with running(tmp_path, Knobs(tls=False)) as broker, closing(connect(broker.connection("hermes"))) as bus:
        bus.subscribe(TOPIC)


def test_a_certificate_lets_in_where_the_listener_asks_for_one(broker):
    with closing(connect(broker.certified())) as bus:
        bus.subscribe(TOPIC)


def test_a_missing_client_certificate_is_explained(broker):
    assert refused(replace(broker.certified(), certfile="", keyfile="")) is Cause.CLIENT_CERTIFICATE


def test_a_broken_certificate_file_is_told_with_its_path(broker, tmp_path):
    (tmp_path / "ca").write_text("no certificate")
    with pytest.raises(ReconcilerError, match=str(tmp_path / "ca")):
        connect(replace(broker.connection("hermes"), ca_certs=str(tmp_path / "ca")))


def test_a_broker_that_says_nothing_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = Connection(host="127.0.0.1", port=silent.getsockname()[1])
        with pytest.raises(BusUnreachable) as caught:
            connect(connection, patience=0.3)
    assert caught.value.cause is Cause.NO_ANSWER


def test_a_publish_that_is_not_answered_is_an_error(tmp_path):
    with running(tmp_path) as broker, closing(connect(broker.connection("claude-worker"))) as worker:
        broker.signal(signal.SIGSTOP)
        worker._patience = 0.5  # only now: a busy machine may take longer to connect
        with pytest.raises(BusUnreachable):
            worker.publish(TOPIC, b"x")
        broker.signal(signal.SIGCONT)


def test_a_follower_comes_back_and_subscribes_again_after_a_restart(tmp_path):
    with running(tmp_path) as broker, closing(connect(broker.connection("hermes"))) as follower:
        follower.subscribe(TOPIC)
        assert follower.connected
        broker.stop()
        wait_until(lambda: follower.drops)
        assert not follower.connected
        broker.start()
        with closing(connect(broker.connection("claude-worker"))) as worker:
            worker.publish(TOPIC, b"after", retain=True)
        assert received(follower, 10).payload == b"after"
        assert follower.connected


def test_a_filter_that_was_subscribed_to_twice_is_subscribed_to_once_after_a_restart(tmp_path):
    with running(tmp_path) as broker, closing(connect(broker.connection("hermes"))) as follower:
        with closing(connect(broker.connection("claude-worker"))) as worker:
            worker.publish(TOPIC, b"kept", retain=True)
        for _ in range(2):
            follower.subscribe(TOPIC)
            assert received(follower).payload == b"kept"
        broker.stop()
        wait_until(lambda: follower.drops)
        broker.start()
        assert received(follower) == Message(TOPIC, b"kept", retained=True)
        follower.subscribe("python/mqtt/jobs/end/events")
        assert follower.receive(0) is None


def test_what_comes_while_a_follower_is_cut_off_is_kept_for_it(tmp_path):
    with running(tmp_path) as broker, closing(connect(broker.connection("hermes"))) as follower:
        follower.subscribe(TOPIC)
        follower._client._sock_close()
        with closing(connect(broker.connection("claude-worker"))) as worker:
            worker.publish(TOPIC, b"meanwhile")
        assert received(follower, 10).payload == b"meanwhile"


def test_a_follower_whose_user_was_removed_is_told(tmp_path):
    with running(tmp_path) as broker, closing(connect(broker.connection("hermes"))) as follower:
        follower.subscribe(TOPIC)
        (tmp_path / "passwd").write_text("")
        broker.signal(signal.SIGHUP)
        with pytest.raises(BusRefused) as caught:
            follower.receive(10)
        with pytest.raises(BusRefused):
            follower.receive(0)
    assert caught.value.cause is Cause.BAD_LOGIN


def test_a_will_is_published_when_the_connection_breaks_and_not_when_it_is_closed(tmp_path):
    with running(tmp_path) as broker, closing(connect(broker.connection("hermes"))) as observer:
        observer.subscribe("python/mqtt/jobs/+/events")
        worker = broker.connection("claude-worker")
        connect(worker, will=Will("python/mqtt/jobs/closed/events", b"gone")).close()
        program = (
            "import os, sys; from reconciler.model.broker import Connection; "
            "from reconciler.ports.mqtt import connect; from reconciler.ports.bus import Will; "
            f"connect(Connection('localhost', {worker.port}, True, {worker.username!r}, {worker.password!r}, "
            f"{worker.ca_certs!r}), will=Will('python/mqtt/jobs/broken/events', b'gone')); os._exit(0)"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)
        assert received(observer).topic == "python/mqtt/jobs/broken/events"


def test_closing_while_the_broker_is_away_leaves_no_thread(tmp_path):
    before = threading.active_count()
    with running(tmp_path) as broker:
        follower = connect(broker.connection("hermes"))
        broker.stop()
        wait_until(lambda: follower.drops)
        follower.close()
        assert threading.active_count() == before


def test_closing_twice_is_fine(broker):
    bus = connect(broker.connection("hermes"))
    bus.close()
    bus.close()


def test_ctrl_c_ends_a_waiting_receive_at_once(broker):
    program = (
        "import sys; from reconciler.ports.mqtt import connect; from reconciler.model.broker import Connection\n"
        f"bus = connect(Connection('localhost', {broker.port}, True, 'hermes', {SECRETS['hermes']!r}, "
        f"{broker.path('ca.crt')!r}))\n"
        "print('ready', flush=True)\n"
        "try:\n    bus.receive(3600)\n"
        "finally:\n    bus.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as waiting:
        assert waiting.stdout
        assert waiting.stdout.readline() == "ready\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(PATIENCE) != 0  # not at the end of its hour


def test_paho_is_imported_only_when_a_client_is_made():
    program = "import sys, reconciler.ports.mqtt; sys.exit(any(name.startswith('paho') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- what Mosquitto 2.0 never says, said by a script

CONNACK_5, CONNACK_3 = b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"


@contextmanager
def scripted(*answers: Callable[[socket.socket], None]) -> Iterator[Connection]:
    """A broker that handles one connection with each function, and then listens no more."""

    def serve() -> None:
        with suppress(TimeoutError):
            for answer in answers:
                with server.accept()[0] as client:
                    client.settimeout(SOON)
                    answer(client)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SOON)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Connection(host="127.0.0.1", port=server.getsockname()[1])
        finally:
            thread.join()


def protocol_level(packet: bytes) -> int:
    """The version byte of a short CONNECT (MQTT 3.1.1 and 5.0, section 3.1.2)."""
    return packet[8]


def test_a_broker_that_refuses_mqtt_5_is_spoken_to_in_3_1_1():
    levels: list[int] = []

    def refuse(client: socket.socket) -> None:
        levels.append(protocol_level(client.recv(1024)))
        client.sendall(b"\x20\x02\x00\x01")

    def accept(client: socket.socket) -> None:
        levels.append(protocol_level(client.recv(1024)))
        client.sendall(CONNACK_3)
        client.recv(1024)

    with scripted(refuse, accept) as connection, closing(connect(connection)) as bus:
        assert not bus.tells_denials
    assert levels == [5, 4]


def close_at_once(client: socket.socket) -> None:
    assert protocol_level(client.recv(1024)) == 5


def say_nothing(client: socket.socket) -> None:
    assert protocol_level(client.recv(1024)) == 5
    client.recv(1024)  # until the client gives up


@pytest.mark.parametrize("answer", [close_at_once, say_nothing])
def test_a_broker_that_has_no_word_for_refusing_mqtt_5_is_spoken_to_in_3_1_1(answer):
    def accept(client: socket.socket) -> None:
        assert protocol_level(client.recv(1024)) == 4
        client.sendall(CONNACK_3)
        client.recv(1024)

    with scripted(answer, accept) as connection, closing(connect(connection, patience=2)) as bus:
        assert not bus.tells_denials


def test_the_login_that_an_older_broker_refuses_is_told():
    def refuse(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(b"\x20\x02\x00\x05")

    with scripted(close_at_once, refuse) as connection, pytest.raises(BusRefused) as caught:
        connect(connection)
    assert caught.value.cause is Cause.BAD_LOGIN


def test_a_broker_that_closes_whatever_is_said_is_told_as_such():
    def close(client: socket.socket) -> None:
        client.recv(1024)

    with scripted(close, close) as connection, pytest.raises(BusUnreachable) as caught:
        connect(connection)
    assert caught.value.cause is Cause.CLOSED


def test_a_broker_of_3_1_1_that_closes_at_a_message_and_once_more_denies_it():
    def deny(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(CONNACK_3)
        client.recv(1024)  # the message

    with scripted(close_at_once, deny, deny) as connection, closing(connect(connection)) as bus:
        with pytest.raises(BusRefused) as caught:
            bus.publish("t", b"x")
        assert caught.value.cause is Cause.CLOSED
        assert "closes the connection" in caught.value.summary


def test_a_broker_that_closes_before_the_publish_has_returned_denies_it_as_well(monkeypatch):
    def deny(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(CONNACK_3)
        client.recv(1024)  # the message

    with scripted(close_at_once, deny, deny) as connection, closing(connect(connection)) as bus:
        publish = bus._client.publish

        def publish_slowly(*args, **kwargs):
            sent = publish(*args, **kwargs)
            wait_until(lambda: bus.drops)
            return sent

        monkeypatch.setattr(bus._client, "publish", publish_slowly)
        with pytest.raises(BusRefused) as caught:
            bus.publish("t", b"x")
        assert caught.value.cause is Cause.CLOSED


GOODBYES = {142: Cause.TAKEN_OVER, 149: Cause.TOO_LARGE, 151: Cause.QUOTA}


@pytest.mark.parametrize("code", GOODBYES)
def test_a_goodbye_that_coming_back_would_not_mend_ends_the_following(code):
    def say_goodbye(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(CONNACK_5)
        client.sendall(bytes((0xE0, 1, code)))
        client.recv(1024)

    with (
        scripted(say_goodbye) as connection,
        closing(connect(connection)) as bus,
        pytest.raises(BusRefused) as caught,
    ):
        bus.receive(PATIENCE)
    assert caught.value.cause is GOODBYES[code]


def test_a_denied_subscription_is_an_error():
    def deny(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(CONNACK_5)
        subscription = client.recv(1024)
        client.sendall(bytes((0x90, 4, *subscription[2:4], 0, 135)))
        client.recv(1024)

    with scripted(deny) as connection, closing(connect(connection)) as bus, pytest.raises(BusRefused) as caught:
        bus.subscribe("#")
    assert caught.value.cause is Cause.NOT_AUTHORISED

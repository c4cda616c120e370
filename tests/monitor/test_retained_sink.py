"""Retained messages, on a real broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from broker.mosquitto import Knobs, Mosquitto, running
from msgspec.structs import replace
from passes import agent, seen
from waiting import PATIENCE, wait_until

from reconciler.model.activity import Activity
from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks.retained import Retained
from reconciler.ports.mqtt import connect

ACL = "user hermes\ntopic readwrite lab/#\n\nuser claude-worker\ntopic write lab/monitor\n"
CLAUDE, CODEX = "lab/lab/claude", "lab/lab/codex"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker"), Knobs(acl=ACL)) as broker:
        yield broker
        assert broker.log.read_bytes()


@pytest.fixture(autouse=True)
def _nothing_is_kept_from_test_to_test(broker):
    yield
    with closing(connect(broker.connection("hermes"))) as bus:
        for topic in (CLAUDE, CODEX, "lab/monitor"):
            bus.publish(topic, b"", retain=True)


def sink(broker, user="hermes"):
    connection = broker.connection(user)
    return Retained("lab", lambda will: connect(connection, will=will, patience=10))


def kept(broker):
    """What somebody who comes now is given: payloads by topic."""
    with closing(connect(broker.connection("hermes"))) as bus:
        bus.subscribe("lab/#")
        bus.publish("lab/end", b"")  # messages come in order: before it came all that is kept
        found = {}
        while (message := wait_until(lambda: bus.receive(1))).topic != "lab/end":
            found[message.topic] = message.payload
        return found


def test_somebody_who_comes_late_sees_every_agent_and_that_the_monitor_is_there(broker):
    with closing(sink(broker)) as made:
        made.tell(seen(agents=[agent("claude"), agent("codex", Activity.WAITING)]))
        found = kept(broker)
    assert set(found) == {CLAUDE, CODEX, "lab/monitor"}
    assert json.loads(found[CODEX])["state"] == "waiting"
    assert found["lab/monitor"] == b"online"


def test_only_what_changed_is_published_again(broker):
    with closing(sink(broker)) as made, closing(connect(broker.connection("hermes"))) as bus:
        made.tell(seen(agents=[agent("claude"), agent("codex")]))
        bus.subscribe("lab/lab/#")
        assert {bus.receive(PATIENCE).topic for _ in range(2)} == {CLAUDE, CODEX}
        made.tell(seen(agents=[agent("claude"), agent("codex", Activity.BUSY)], at="2026-06-25T03:20:00Z"))
        bus.publish("lab/lab/end", b"")
        topics = [wait_until(lambda: bus.receive(1)).topic for _ in range(2)]
    assert topics == [CODEX, "lab/lab/end"]


def test_an_agent_that_is_no_longer_recorded_is_forgotten(broker):
    with closing(sink(broker)) as made:
        made.tell(seen(agents=[agent("claude"), agent("codex")]))
        made.tell(seen(agents=[agent("claude")]))
        assert CODEX not in kept(broker)


def test_a_pass_that_saw_nothing_forgets_nobody(broker):
    with closing(sink(broker)) as made:
        made.tell(seen(agents=[agent("claude")]))
        made.tell(replace(seen(), blind=True))
        assert CLAUDE in kept(broker)


def test_a_monitor_that_ends_says_that_it_is_offline(broker):
    with closing(sink(broker)) as made:
        made.tell(seen())
    assert kept(broker)["lab/monitor"] == b"offline"


_DIES = """
import os, signal, sys
from reconciler.model.broker import Connection
from reconciler.model.watch import Pass
from reconciler.monitor.sinks.retained import Retained
from reconciler.ports.mqtt import connect
host, port, user, secret, ca = sys.argv[1:]
connection = Connection(host=host, port=int(port), tls=True, username=user, password=secret, ca_certs=ca)
Retained("lab", lambda will: connect(connection, will=will)).tell(Pass(1, "2026-06-25T03:19:24Z", 0.1))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_of_a_monitor_that_dies_the_broker_says_that_it_is_offline(broker):
    at = broker.connection("hermes")
    words = (at.host, str(at.port), at.username, at.password, at.ca_certs)
    done = subprocess.run([sys.executable, "-c", _DIES, *words], check=False, timeout=PATIENCE)
    assert done.returncode == -signal.SIGKILL
    wait_until(lambda: kept(broker)["lab/monitor"] == b"offline")


def test_what_the_broker_denies_is_a_failure_with_a_way_out(broker):
    with closing(sink(broker, "claude-worker")) as made, pytest.raises(SinkFailed, match="lab/lab/claude") as error:
        made.tell(seen(agents=[agent()]))
    assert "ACL" in error.value.fix


def test_a_broker_that_went_and_came_back_is_told_everything_again(tmp_path):
    with running(tmp_path, Knobs(acl=ACL)) as broker, closing(sink(broker)) as made:
        made.tell(seen(agents=[agent()]))
        broker.stop()
        made._bus._patience = 0.5
        with pytest.raises(SinkFailed):
            made.tell(seen(agents=[agent(activity=Activity.BUSY)]))
        (tmp_path / "mosquitto.db").unlink(missing_ok=True)
        broker.start()
        made.tell(seen(agents=[agent(activity=Activity.BUSY)]))
        found = kept(broker)
    assert json.loads(found[CLAUDE])["state"] == "busy"
    assert found["lab/monitor"] == b"online"


def test_after_a_short_loss_the_same_connection_tells_everything_again(tmp_path):
    with running(tmp_path, Knobs(acl=ACL)) as broker, closing(sink(broker)) as made:
        made.tell(seen(agents=[agent()]))
        broker.stop()
        (tmp_path / "mosquitto.db").unlink(missing_ok=True)
        wait_until(lambda: made._bus.drops)
        broker.start()
        wait_until(lambda: made._bus.connected)
        made.tell(seen(agents=[agent()]))
        assert set(kept(broker)) == {CLAUDE, "lab/monitor"}

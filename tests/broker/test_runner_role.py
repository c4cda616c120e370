"""The role runner: a user who takes the jobs for the host of its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from broker.mosquitto import Knobs, running
from bus import MACHINE, MOSQUITTO, NOW, broker, connection, made, plan
from free_ports import free_port
from msgspec.structs import replace
from waiting import PATIENCE

from reconciler.broker import make, proof
from reconciler.broker.files import acl
from reconciler.broker.running import process
from reconciler.broker.verify.probe import Principal, ProofTarget
from reconciler.broker.verify.run import verify
from reconciler.model.broker import JOB_EVENTS, Access, Broker, BrokerUser, Effect, Grant, Listener, Role
from reconciler.model.destination import Destination
from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.ports.bus import BusRefused, BusUnreachable, Message
from reconciler.ports.clock import RealClock
from reconciler.ports.mqtt import connect
from reconciler.ports.mqtt_queue import MqttQueue
from reconciler.ports.queue import QueuedJob

PREFIX = "python/mqtt/jobs"
USERS = (
    BrokerUser("hermes", Role.OBSERVER),
    BrokerUser("claude-worker", Role.WORKER),
    BrokerUser("a", Role.RECONCILER),
    BrokerUser("b", Role.RUNNER),
    BrokerUser("c", Role.RUNNER),
)
BOXES = tuple(Grant(Access.READWRITE, f"{PREFIX}/hosts/+/{each}/+") for each in ("jobs", "cancels", "dead"))


def lines(of: Broker, user: str) -> tuple[str, ...]:
    return tuple(f"{grant.access} {grant.topic}" for grant in acl.declared(of).users[user])


def test_a_runner_has_the_boxes_of_its_host_and_writes_events(tmp_path: Path) -> None:
    of = broker(tmp_path, users=USERS, topics=(JOB_EVENTS, "lab/+/events", "other/#"))
    assert lines(of, "b") == (
        "write lab/+/events",
        "readwrite lab/hosts/b/jobs/+",
        "readwrite lab/hosts/b/cancels/+",
        "write lab/hosts/b/dead/+",
        "write python/mqtt/jobs/+/events",
        "readwrite python/mqtt/jobs/hosts/b/jobs/+",
        "readwrite python/mqtt/jobs/hosts/b/cancels/+",
        "write python/mqtt/jobs/hosts/b/dead/+",
    )
    assert lines(of, "hermes") == ("read lab/+/events", "read other/#", f"read {JOB_EVENTS}")


def test_only_beside_a_runner_the_role_reconciler_reaches_all_boxes(tmp_path: Path) -> None:
    alone = broker(tmp_path, users=USERS[:3])
    assert acl.declared(alone).users["a"] == (Grant(Access.READWRITE, JOB_EVENTS),)
    assert acl.declared(broker(tmp_path, users=USERS)).users["a"] == (Grant(Access.READWRITE, JOB_EVENTS), *BOXES)


def test_a_runner_that_comes_is_a_change_that_needs_only_a_reload(tmp_path: Path) -> None:
    before = broker(tmp_path, users=USERS[:3])
    made(before)
    assert not plan(before).changes
    after = replace(before, users=USERS[:4])
    coming = plan(after)
    assert {change.user for change in coming.grants} == {"a", "b"}
    assert all(change.added for change in coming.grants)
    assert coming.meaning.effect is Effect.RELOAD


@contextmanager
def live(of: Broker) -> Iterator[None]:
    made(of)
    try:
        process.start(of, MOSQUITTO, MACHINE)
        yield
    finally:
        process.stop(of.directory, MACHINE)


@pytest.mark.parametrize("mtls", [False, True], ids=["password", "certificate"])
def test_a_runner_takes_its_own_jobs_and_reaches_nothing_else(tmp_path: Path, mtls: bool) -> None:
    of = broker(tmp_path, users=USERS, listeners=(Listener(free_port(), "127.0.0.1", mtls=mtls),))
    with live(of), ExitStack() as stack:
        a, b, c = (
            stack.enter_context(closing(MqttQueue(connection(of, name), PREFIX, name, patience=PATIENCE)))
            for name in ("a", "b", "c")
        )
        watching = stack.enter_context(closing(connect(connection(of, "hermes"))))
        watching.subscribe(JOB_EVENTS)
        watching.subscribe(f"{PREFIX}/hosts/#")
        b.bus.subscribe(f"{PREFIX}/#")  # Mosquitto never refuses it

        a.submit(QueuedJob("j1", Destination("c"), b"for c"))
        a.submit(QueuedJob("j2", Destination("b"), b"for b"))
        claim = b.claim(PATIENCE)
        assert claim
        assert claim.id == "j2"
        b.heartbeat(claim)
        b.finish(claim, Message(f"{PREFIX}/j2/events", b"completed"))
        assert b.claim(0.2) is None
        assert b.bus.receive(0) is None, "neither events nor the boxes of others"
        with pytest.raises(BusRefused):
            b.submit(QueuedJob("j3", Destination("c"), b"from b"))
        with pytest.raises(BusRefused):
            b.withdraw("j1", Destination("c"))

        claim = c.claim(PATIENCE)
        assert claim
        assert claim.envelope == b"for c"
        c.dead_letter(claim, "why")
        assert [(each.id, each.host) for each in a.dead_letters()] == [("j1", "c")]
        b._patience = 0.5
        with pytest.raises(BusUnreachable):
            b.dead_letters()
        message = watching.receive(PATIENCE)
        assert message
        assert (message.topic, watching.receive(0)) == (f"{PREFIX}/j2/events", None), "an observer sees events alone"


# --- the proof


def prove(target: ProofTarget) -> list[Probe]:
    return list(verify(target, RealClock()))


def keys(probes: list[Probe], verdict: ProbeVerdict) -> set[str]:
    return {f"{probe.id} {probe.subject}".rstrip() for probe in probes if probe.verdict is verdict}


@pytest.mark.parametrize("mtls", [False, True], ids=["password", "certificate"])
def test_a_broker_with_runners_passes_every_probe(tmp_path: Path, mtls: bool) -> None:
    of = broker(tmp_path, users=USERS, listeners=(Listener(free_port(), "127.0.0.1", mtls=mtls),))
    with live(of), closing(MqttQueue(connection(of, "b"), PREFIX, "b", patience=PATIENCE)) as runner:
        assert runner.claim(0) is None
        probes = prove(proof.target(of, make.look(of, NOW), MACHINE))
        assert runner.claim(0.2) is None, "a runner at work takes no job of the proof"
    assert not keys(probes, ProbeVerdict.FAIL)
    passed = keys(probes, ProbeVerdict.PASS)
    assert {f"box.own {name}" for name in "bc"} <= passed
    assert {f"box.denied {name}" for name in ("hermes", "claude-worker", "b", "c")} <= passed
    assert {f"read.denied {name}" for name in "bc"} <= passed
    assert {f"write.denied {user.name}" for user in USERS} <= passed


def test_without_a_runner_no_box_is_proved(tmp_path: Path) -> None:
    of = broker(tmp_path, users=USERS[:3])
    with live(of):
        probes = prove(proof.target(of, make.look(of, NOW), MACHINE))
    assert not [probe for probe in probes if probe.id.startswith("box.")]


def test_without_a_user_who_may_read_all_boxes_that_probe_says_so(tmp_path: Path) -> None:
    of = broker(tmp_path, users=(*USERS[:2], USERS[3]))
    with live(of):
        probes = prove(proof.target(of, make.look(of, NOW), MACHINE))
    assert not keys(probes, ProbeVerdict.FAIL)
    assert {"box.own b", "box.denied hermes", "box.denied claude-worker"} <= keys(probes, ProbeVerdict.PASS)
    assert "box.denied b" in keys(probes, ProbeVerdict.SKIPPED)


RUNNER, BOTH = "claude-worker", "hermes"  # the two users of the fixture
RULES = acl.declared(
    Broker(
        broker(Path("/none")).address,
        "/none",
        users=(BrokerUser(BOTH, Role.RECONCILER), BrokerUser(RUNNER, Role.RUNNER)),
    )
).users
FILE = "".join(
    f"user {name}\n" + "".join(f"topic {grant.access} {grant.topic}\n" for grant in grants)
    for name, grants in RULES.items()
)
OWN = f"topic readwrite {PREFIX}/hosts/{RUNNER}/jobs/+\n"
FAULTS = {
    "it may read every box": (f"{OWN}topic read {PREFIX}/hosts/+/jobs/+\n", {f"box.denied {RUNNER}"}),
    "it may read its dead letters": (f"{OWN}topic read {PREFIX}/hosts/{RUNNER}/dead/+\n", {f"box.denied {RUNNER}"}),
    "it may read wishes to cancel": (f"{OWN}topic read {PREFIX}/hosts/+/cancels/+\n", {f"box.denied {RUNNER}"}),
    "it may write every box": (f"{OWN}topic write {PREFIX}/hosts/+/jobs/+\n", {f"write.denied {RUNNER}"}),
    "it may read events": (f"{OWN}topic read {JOB_EVENTS}\n", {f"read.denied {RUNNER}"}),
    "it may not read its box": (OWN.replace("readwrite", "write"), {f"box.own {RUNNER}"}),
    "it may not empty its box": (OWN.replace("readwrite", "read"), {f"box.own {RUNNER}"}),
}


@pytest.mark.parametrize(("rule", "fails"), FAULTS.values(), ids=FAULTS)
def test_each_wrong_right_of_a_runner_fails_its_own_probe(tmp_path: Path, rule: str, fails: set[str]) -> None:
    assert OWN in FILE
    with running(tmp_path, Knobs(acl=FILE.replace(OWN, rule))) as mosquitto:
        principals = tuple(Principal(name, mosquitto.connection(name), grants) for name, grants in RULES.items())
        probes = prove(ProofTarget(principals, (JOB_EVENTS,), runners=(RUNNER,)))
    assert keys(probes, ProbeVerdict.FAIL) == fails
    assert all(probe.fix and probe.observed for probe in probes if probe.verdict is ProbeVerdict.FAIL)

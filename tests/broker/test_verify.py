"""The verifier against real brokers: a good one passes, and each planted fault makes its own probe fail."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from broker.mosquitto import ACL, Knobs, Mosquitto, new_key, running
from msgspec.structs import replace
from waiting import PATIENCE

from reconciler.broker.files.file_set import File
from reconciler.broker.verify.context import matches, may
from reconciler.broker.verify.probe import KeyFiles, Kind, Principal, ProofTarget
from reconciler.broker.verify.run import verify
from reconciler.model.broker import JOB_EVENTS, Access, Connection, Grant
from reconciler.model.errors import Unreachable, UsageError
from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.ports.clock import RealClock
from reconciler.ports.mqtt import connect

READS, WRITES = (Grant(Access.READ, JOB_EVENTS),), (Grant(Access.WRITE, JOB_EVENTS),)


def target_of(broker: Mosquitto) -> ProofTarget:
    files = {path.name: File(path.read_bytes(), path.stat().st_mode & 0o777) for path in broker.folder.iterdir()}
    return ProofTarget(
        principals=(
            Principal("hermes", broker.connection("hermes"), READS),
            Principal("claude-worker", broker.connection("claude-worker"), WRITES),
            *((Principal("certified", broker.certified(), READS),) if broker.knobs.certificates_required else ()),
        )[: 3 if broker.knobs.mtls else 2],
        topics=(JOB_EVENTS,),
        closed_ports=(broker.stray_port,),
        certified=broker.certified() if broker.knobs.mtls else None,
        files=files,
        private=("server.key", "passwd"),
        certificates=(
            KeyFiles(Kind.CA, "ca.crt"),
            KeyFiles(Kind.SERVER, "server.crt", "server.key"),
            KeyFiles(Kind.CLIENT, "certified.crt", "certified.key"),
        ),
        granted=broker.granted,
    )


def prove(target: ProofTarget) -> list[Probe]:
    return list(verify(target, RealClock()))


def keys(probes: list[Probe], verdict: ProbeVerdict) -> set[str]:
    return {f"{probe.id} {probe.subject}".rstrip() for probe in probes if probe.verdict is verdict}


def test_a_locked_down_broker_passes_every_probe(tmp_path):
    with running(tmp_path, Knobs(mtls=True)) as broker:
        probes = prove(target_of(broker))

    assert not keys(probes, ProbeVerdict.FAIL)
    assert not keys(probes, ProbeVerdict.SKIPPED)
    assert {probe.id for probe in probes} == EVERY_PROBE
    assert all(probe.expected and probe.observed and not probe.fix and probe.seconds >= 0 for probe in probes)


EVERY_PROBE = {
    *("tls.plaintext", "tls.chain", "tls.strict", "tls.name", "tls.wrong_ca", "tls.wrong_name", "tls.stray_listener"),
    *("login.accepted", "login.wrong_password", "login.anonymous", "mtls.no_certificate"),
    *("flow.order", "late.retained", "late.cleared"),
    *("write.denied", "write.denied_retained", "read.denied"),
    *("files.private", "files.key", "expiry.server", "expiry.ca", "expiry.client"),
    *("reload.effect", "reload.undisturbed"),
}


def test_the_page_lists_exactly_these_probes():
    page = (Path(__file__).parents[2] / "docs/broker.md").read_text("utf-8")
    table = page.partition("## What is proved")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    listed = {id_ for row in rows for id_ in re.findall(r"`(\w+\.\w+)`", row)}
    assert listed == EVERY_PROBE | ON_REQUEST | OF_RUNNERS


ON_REQUEST = {"restart.retained", "restart.loss"}
OF_RUNNERS = {"box.own", "box.denied"}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a broker, and the probes that must fail for it: these and no others."""

    fails: set[str]
    knobs: Knobs = field(default_factory=Knobs)
    plant: Callable[[Path], object] = os.fspath


def _another_key(folder: Path) -> None:
    (folder / "server.key").write_text(new_key())


def _another_ca(folder: Path) -> None:
    (folder / "ca.crt").write_bytes((folder / "certified.crt").read_bytes())


HERMES, WORKER = "user hermes\n", "user claude-worker\n"
CAN_READ, CAN_WRITE = f"topic read {JOB_EVENTS}\n", f"topic write {JOB_EVENTS}\n"
FAULTS = {
    "allow_anonymous true": Fault({"login.anonymous"}, Knobs(anonymous=True)),
    "the observer's ACL line is missing": Fault(
        {"flow.order claude-worker to hermes"}, Knobs(acl=ACL.replace(HERMES + CAN_READ, HERMES))
    ),
    "the worker's ACL line is missing": Fault(
        {"flow.order claude-worker to hermes"}, Knobs(acl=ACL.replace(CAN_WRITE, ""))
    ),
    "the observer may write": Fault(
        {"write.denied hermes"}, Knobs(acl=ACL.replace(HERMES, f"{HERMES}topic readwrite {JOB_EVENTS}\n"))
    ),
    "the worker may read": Fault(
        {"read.denied claude-worker"}, Knobs(acl=ACL.replace(WORKER, f"{WORKER}topic read {JOB_EVENTS}\n"))
    ),
    "the worker may write elsewhere": Fault(
        {"write.denied claude-worker"}, Knobs(acl=ACL.replace(WORKER, f"{WORKER}topic write #\n"))
    ),
    "no ACL": Fault(
        {"write.denied hermes", "write.denied claude-worker", "read.denied claude-worker"}, Knobs(acl=None)
    ),
    "expired certificate": Fault({"tls.chain"}, Knobs(valid_days=(-60, -1))),
    "certificate of another CA": Fault({"tls.chain"}, plant=_another_ca),
    "certificate that runs out": Fault({"expiry.server"}, Knobs(valid_days=(-60, 5))),
    "SAN without the host": Fault({"tls.name localhost"}, Knobs(names=("mqtt.internal",))),
    "no TLS": Fault({"tls.plaintext"}, Knobs(tls=False)),
    "wrong key": Fault({"files.key server.key"}, plant=_another_key),
    "world-readable password file": Fault(
        {"files.private passwd"}, plant=lambda folder: (folder / "passwd").chmod(0o644)
    ),
    "retained off": Fault({"late.retained"}, Knobs(retain=False)),
    "stray listener": Fault({"tls.stray_listener"}, Knobs(stray=True)),
    "certificates are not asked for": Fault({"mtls.no_certificate"}, Knobs(mtls=True, certificates_required=False)),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_makes_its_own_probe_fail_and_no_other(fault, tmp_path):
    with running(tmp_path, fault.knobs) as broker:
        fault.plant(tmp_path)
        probes = prove(target_of(broker))

    failed = [probe for probe in probes if probe.verdict is ProbeVerdict.FAIL]
    assert {
        f"{probe.id} {probe.subject}".rstrip().removesuffix(str(broker.stray_port)).rstrip() for probe in failed
    } == (fault.fails)
    assert all(probe.fix and probe.observed for probe in failed)


def test_a_ca_without_key_usage_is_accepted_with_a_warning_that_says_how_to_mend_it(tmp_path):
    with running(tmp_path, Knobs(plain_ca=True)) as broker:
        probes = prove(target_of(broker))

    assert not keys(probes, ProbeVerdict.FAIL)
    [warning] = [probe for probe in probes if probe.verdict is ProbeVerdict.WARNING]
    assert warning.id == "tls.strict"
    assert "key usage" in warning.observed
    assert "keyUsage=critical,keyCertSign" in warning.fix


def test_a_reload_without_effect_fails(tmp_path):
    with running(tmp_path) as broker:
        target = replace(target_of(broker), granted=lambda _user, _topic: nullcontext(), patience=2)
        probes = prove(target)

    assert keys(probes, ProbeVerdict.FAIL) == {"reload.effect"}
    assert "reload.undisturbed" in keys(probes, ProbeVerdict.SKIPPED)


def test_a_skipped_probe_tells_what_it_rests_on(tmp_path):
    with running(tmp_path, Knobs(valid_days=(-60, -1))) as broker:
        probes = prove(target_of(broker))

    observed = {probe.id: probe.observed for probe in probes if probe.verdict is ProbeVerdict.SKIPPED}
    assert observed["tls.name"] == "not tried because tls.chain did not pass"
    assert observed["flow.order"] == "not tried because login.accepted claude-worker did not pass"


def test_with_one_user_the_probes_that_need_others_are_skipped(tmp_path):
    with running(tmp_path) as broker:
        probes = prove(ProofTarget((Principal("hermes", broker.connection("hermes")),), (JOB_EVENTS,)))

    skipped = {probe.id: probe.observed for probe in probes if probe.verdict is ProbeVerdict.SKIPPED}
    assert not keys(probes, ProbeVerdict.FAIL)
    assert skipped["flow.order"] == "no user is known who may write the job events"
    assert {"late.retained", "reload.effect", "mtls.no_certificate"} < skipped.keys()
    assert {"tls.name localhost", "login.accepted hermes", "login.wrong_password"} < keys(probes, ProbeVerdict.PASS)


def test_nothing_is_left_behind(tmp_path):
    with running(tmp_path) as broker:
        target = target_of(broker)
        before = (tmp_path / "acl").read_bytes()
        prove(target)
        assert (tmp_path / "acl").read_bytes() == before
        with (
            closing(connect(broker.connection("hermes"))) as observer,
            closing(connect(broker.connection("claude-worker"))) as worker,
        ):
            observer.subscribe(JOB_EVENTS)
            worker.publish("python/mqtt/jobs/sentinel/events", b"sentinel")
            message = observer.receive(PATIENCE)
    assert message
    assert message.payload == b"sentinel"


def test_a_broker_that_is_not_there_is_unreachable(tmp_path):
    broker = Mosquitto(tmp_path, Knobs())
    with pytest.raises(Unreachable):
        prove(ProofTarget((Principal("x", Connection("localhost", broker.closed_port)),), (JOB_EVENTS,)))


def test_a_target_without_users_is_a_wrong_use():
    with pytest.raises(UsageError):
        prove(ProofTarget((), (JOB_EVENTS,)))


def test_real_events_are_left_alone_where_no_topic_of_our_own_fits(tmp_path):
    with running(tmp_path) as broker:
        probes = prove(replace(target_of(broker), topics=("python/mqtt/jobs/7/events",)))

    assert not keys(probes, ProbeVerdict.FAIL)
    assert {"flow.order", "late.retained", "write.denied hermes", "reload.effect"} < keys(probes, ProbeVerdict.SKIPPED)


RIGHTS = [
    ("a/+/c", "a/b/c", True),
    ("a/+", "a/b/c", False),
    ("a/#", "a/b/c", True),
    ("a/#", "a", True),
    ("#", "a/b", True),
    ("a/b", "a/b/c", False),
    ("a/+/c", "a/c", False),
]


@pytest.mark.parametrize(("topic_filter", "topic", "covered"), RIGHTS)
def test_filters_cover_topics_as_mqtt_says(topic_filter, topic, covered):
    assert matches(Grant(Access.READ, topic_filter), topic) is covered


def test_a_denial_goes_before_every_grant():
    user = Principal("u", Connection(), (Grant(Access.READWRITE, "#"), Grant(Access.DENY, "a/+")))

    assert may(user, Access.WRITE, "b")
    assert not may(user, Access.WRITE, "a/b")
    assert not may(Principal("r", Connection(), (Grant(Access.READ, "b"),)), Access.WRITE, "b")

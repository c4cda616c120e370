"""Against the real Mosquitto: what is made is what it takes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from bus import MACHINE, MOSQUITTO, NOW, broker, connection, made, plan
from free_ports import free_port
from killing import killed_after
from msgspec.structs import replace
from waiting import PATIENCE, wait_until

from reconciler.broker import make, proof
from reconciler.broker.files import conf, layout
from reconciler.broker.files.effect import unread
from reconciler.broker.keys import material
from reconciler.broker.keys.pki import Rollover
from reconciler.broker.real import RealBrokers
from reconciler.broker.running import process, program
from reconciler.broker.running.process import Running
from reconciler.model.broker import Broker, BrokerUser, Connection, Effect, KeyKind, Listener, Role, Target, Tls
from reconciler.model.change import Change
from reconciler.model.errors import ReconcilerError, Refused, Unreachable
from reconciler.model.observed import ABSENT, Observed, Present
from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.ports.mqtt import MqttBus, connect
from reconciler.render.broker import proof_document

TOPIC = "python/mqtt/jobs/1/events"
ENDS = program.family(program.version(MOSQUITTO)) is conf.Version.V2_1  # at a bad file; 2.0 goes on


@contextmanager
def running(bus: Broker) -> Iterator[Running]:
    try:
        yield process.start(bus, MOSQUITTO, MACHINE)
    finally:
        process.stop(bus.directory, MACHINE)


def live(bus: Broker) -> Observed[Running]:
    return process.running(bus.directory, MACHINE.processes)


def login(bus: Broker, user: str) -> closing[MqttBus]:
    return closing(connect(connection(bus, user)))


VARIANTS: dict[str, dict[str, object]] = {
    "ecdsa": {},
    "rsa": {"tls": Tls(key=KeyKind.RSA_2048)},
    "memory": {"persistence": False},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_made_set_starts_and_its_users_may_do_what_their_roles_say(variant: str, tmp_path: Path) -> None:
    bus = broker(tmp_path, **VARIANTS[variant])
    made(bus)
    with running(bus), login(bus, "claude-worker") as worker, login(bus, "hermes") as observer:
        observer.subscribe("python/mqtt/jobs/+/events")
        worker.publish(TOPIC, b"started")
        message = observer.receive(PATIENCE)
        assert message is not None
        assert message.payload == b"started"
        with pytest.raises(ReconcilerError):
            observer.publish(TOPIC, b"not allowed")
        assert live(bus) != ABSENT
    assert live(bus) == ABSENT


def test_with_client_certificates_the_certificate_tells_the_user(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=(Listener(free_port(), "127.0.0.1", mtls=True),))
    made(bus)
    with running(bus):
        with login(bus, "claude-worker") as worker:
            worker.publish(TOPIC, b"started")
        with login(bus, "hermes") as observer, pytest.raises(ReconcilerError):
            observer.publish(TOPIC, b"not allowed")
        bare = replace(connection(bus, "hermes"), certfile="", keyfile="")
        with pytest.raises(ReconcilerError):
            connect(bare)


def test_a_reload_takes_over_another_acl_and_drops_nobody(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus) as before, login(bus, "hermes") as observer:
        with pytest.raises(ReconcilerError):
            observer.publish(TOPIC, b"not yet")
        promoted = replace(bus, users=(bus.users[0], BrokerUser("hermes", Role.RECONCILER)))
        assert made(promoted).meaning.effect is Effect.RELOAD
        assert unread(before.read, make.look(promoted, NOW).files) is Effect.RELOAD
        after = process.reload(promoted, MACHINE)
        assert unread(after.read, make.look(promoted, NOW).files) is Effect.NOTHING
        assert after.pid == before.pid
        observer.publish(TOPIC, b"now")
        assert observer.drops == 0


def test_a_reload_shows_the_other_certificate_to_new_clients(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus):
        address = ("127.0.0.1", bus.listeners[0].port)
        before = ssl.get_server_certificate(address)
        found = make.look(bus, NOW)
        making = make.plan(
            bus, replace(found, material=material.without_server(found.material)), program.runner(MOSQUITTO), NOW
        )
        make.write(bus, making)
        process.reload(bus, MACHINE)
        assert ssl.get_server_certificate(address) != before


def _copied(of: Connection, folder: Path) -> Connection:
    """The connection of a client elsewhere, with the files as they are now."""
    folder.mkdir()
    paths = {name: getattr(of, name) for name in ("ca_certs", "certfile", "keyfile")}
    return replace(of, **{name: str(shutil.copy(path, folder)) for name, path in paths.items()})


def test_a_client_that_follows_one_step_late_gets_through_a_whole_ca_roll_over(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=(Listener(free_port(), "127.0.0.1", mtls=True),))
    made(bus)
    for step in (Rollover.PUBLISH, Rollover.SWITCH, Rollover.RETIRE):
        late = _copied(connection(bus, "claude-worker"), tmp_path / step)
        found = make.look(bus, NOW)
        rolled = replace(found, material=material.roll_ca(found.material, bus, NOW))
        make.write(bus, make.plan(bus, rolled, program.runner(MOSQUITTO), NOW))
        with running(bus):
            for each in (late, connection(bus, "claude-worker")):
                with closing(connect(each)) as worker:
                    worker.publish(TOPIC, b"still here")


def test_a_change_that_only_a_restart_takes_over_is_known_after_a_reload(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus):
        more = replace(bus, limits=replace(bus.limits, connections=5))
        assert made(more).meaning.effect is Effect.RESTART
        after = process.reload(more, MACHINE)
        assert unread(after.read, make.look(more, NOW).files) is Effect.RESTART


def test_the_status_tells_what_runs_and_what_waits_for_a_reload(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus):
        fewer = replace(bus, users=bus.users[:1])
        before = RealBrokers(MACHINE, "").status(fewer)
        made(fewer)
        after = RealBrokers(MACHINE, "").status(fewer)
    assert (before.users, before.waiting, before.survey.effect) == (
        ("claude-worker", "hermes"),
        Effect.NOTHING,
        Effect.RELOAD,
    )
    assert (after.users, after.waiting, after.survey.changes) == (("claude-worker",), Effect.RELOAD, ())
    assert [each.kind for each in after.certificates] == ["server", "ca"]
    assert isinstance(after.process, Present)


def test_a_program_that_starts_and_never_answers_is_ended_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = broker(tmp_path)
    made(bus)
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\nexec sleep 60\n")
    deaf.chmod(0o700)
    monkeypatch.setattr(process, "_PATIENCE", 0.3)
    with pytest.raises(ReconcilerError, match="does not answer"):
        process.start(bus, str(deaf), MACHINE)
    assert live(bus) == ABSENT


@pytest.mark.parametrize(("target", "file"), [(Target.DOCKER, "compose.yaml"), (Target.SYSTEMD, "bus.service")])
def test_what_another_target_needs_is_a_change(target: Target, file: str, tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    assert Change(file, "add", None, "made") in RealBrokers(MACHINE, "").examine(replace(bus, target=target)).changes


def test_the_log_and_the_pid_file_are_closed_to_others(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus):
        for path in (layout.log_path(bus.directory), layout.pid_path(bus.directory)):
            assert Path(path).stat().st_mode & 0o777 == 0o600


def test_the_broker_outlives_the_terminal_that_started_it(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus) as found:
        assert os.getsid(found.pid) == found.pid
        assert os.readlink(f"/proc/{found.pid}/fd/0") == os.devnull


def test_a_broker_that_runs_is_not_started_again(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus), pytest.raises(Refused, match="runs already"):
        process.start(bus, MOSQUITTO, MACHINE)


def test_a_taken_port_is_told_by_its_number(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with socket.create_server(("127.0.0.1", bus.listeners[0].port)):
        with pytest.raises(ReconcilerError, match=f"answers on port {bus.listeners[0].port}") as caught:
            process.start(bus, MOSQUITTO, MACHINE)
        assert "--port" in caught.value.fix
    assert live(bus) == ABSENT


def test_a_broker_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    (Path(bus.directory) / layout.ACL).write_text("nonsense\n")
    with pytest.raises(ReconcilerError, match="has ended") as caught:
        process.start(bus, MOSQUITTO, MACHINE)
    assert "acl_file" in caught.value.detail
    assert live(bus) == ABSENT


def test_a_bad_file_at_a_reload_is_an_error(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus):
        (Path(bus.directory) / layout.ACL).write_text("nonsense\n")
        with pytest.raises(ReconcilerError, match="has ended" if ENDS else "has logged errors") as caught:
            process.reload(bus, MACHINE)
        assert "acl_file" in caught.value.detail
        found = live(bus)
        assert found == ABSENT if ENDS else isinstance(found, Present)
        if isinstance(found, Present):
            assert unread(found.value.read, make.look(bus, NOW).files) is Effect.RELOAD, "it has not read that file"


def test_written_and_rolled_back_sets_are_what_the_broker_reads(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus):
        promoted = replace(bus, users=(bus.users[0], BrokerUser("hermes", Role.RECONCILER)))
        making = plan(promoted)
        make.roll_back(promoted, make.write(promoted, making))
        process.reload(bus, MACHINE)
        assert plan(bus).changes == ()
        with login(bus, "hermes") as observer, pytest.raises(ReconcilerError):
            observer.publish(TOPIC, b"not allowed")


def test_stopping_what_does_not_run_is_fine(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    assert process.stop(bus.directory, MACHINE) is False
    with pytest.raises(ReconcilerError, match="is not running"):
        process.reload(bus, MACHINE)


def test_the_broker_of_a_folder_is_not_that_of_a_copy_of_it(tmp_path: Path) -> None:
    bus = broker(tmp_path / "original")
    made(bus)
    with running(bus) as found:
        copy = tmp_path / "copy"
        shutil.copytree(bus.directory, copy)
        assert process.running(str(copy), MACHINE.processes) == ABSENT
        assert process.stop(str(copy), MACHINE) is False
        assert live(bus) == Present(found)
        renamed = tmp_path / "renamed"
        Path(bus.directory).rename(renamed)
        assert isinstance(process.running(str(renamed), MACHINE.processes), Present), "it is the same folder"
        renamed.rename(bus.directory)


def test_a_process_that_got_the_pid_later_is_never_signalled(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    bystander = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        process._remember(bus.directory, bystander.pid, process._fingerprints(bus.directory), MACHINE)
        pid_file = Path(layout.pid_path(bus.directory))
        pid_file.write_text(pid_file.read_text().replace('"started": ', '"started": 9'))
        assert process.stop(bus.directory, MACHINE) is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_killed_anywhere_in_a_start_the_broker_is_found_again_by_its_command_line(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    left: list[bool] = []
    for point in range(60):
        killed = killed_after(point, lambda: process.start(bus, MOSQUITTO, MACHINE))
        left.append(isinstance(live(bus), Present))
        assert process.stop(bus.directory, MACHINE) is left[-1]
        process._expect_free(bus.listeners[0])  # nobody is left who has the port
        if not killed:
            break
    assert left == sorted(left), "none before it is started, one from then on"
    assert left.count(True) > 3
    assert left.count(False) > 1


def test_a_broker_whose_pid_was_never_written_is_brought_up_to_date_by_a_restart(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus) as before:
        os.unlink(layout.pid_path(bus.directory))
        brokers = RealBrokers(MACHINE, "")
        assert brokers.examine(bus).effect is Effect.RESTART
        brokers.converge(bus.address)
        after = live(bus)
        assert isinstance(after, Present)
        assert after.value.pid != before.pid
        assert brokers.examine(bus).effect is Effect.NOTHING


def test_a_port_that_somebody_else_has_is_a_warning_and_one_of_our_broker_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = broker(tmp_path)
    made(bus)
    ours, theirs = free_port(), free_port()
    monkeypatch.setattr(proof, "_OWN_PORTS", (ours, theirs))
    with (Path(bus.directory) / layout.CONF).open("a") as settings:
        settings.write(f"listener {ours} 127.0.0.1\n")
    with running(bus), socket.create_server(("127.0.0.1", theirs)):
        probes = list(RealBrokers(MACHINE, "").proofs(bus))
    seen = {probe.subject: probe for probe in probes if probe.id == "tls.stray_listener"}
    assert seen[str(ours)].verdict is ProbeVerdict.FAIL
    assert seen[str(theirs)].verdict is ProbeVerdict.WARNING
    assert f"(pid {os.getpid()}, user " in seen[str(theirs)].observed
    assert [probe.id for probe in probes if probe.verdict is ProbeVerdict.FAIL] == ["tls.stray_listener"]
    assert proof_document("", probes, ())["summary"]["warning"] == 1


def _restarted(bus: Broker) -> dict[str, Probe]:
    probes = list(RealBrokers(MACHINE, "").proofs(bus, restart=True))
    assert [
        probe.id for probe in probes if probe.verdict is ProbeVerdict.FAIL and not probe.id.startswith("restart.")
    ] == []
    return {probe.id: probe for probe in probes if probe.id.startswith("restart.")}


def test_a_restart_on_request_shows_what_is_kept_and_leaves_the_broker_running(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus) as before:
        probes = _restarted(bus)
        after = live(bus)
        assert {id_: probe.verdict for id_, probe in probes.items()} == {
            "restart.retained": ProbeVerdict.PASS,
            "restart.loss": ProbeVerdict.PASS,
        }
        assert re.fullmatch(
            r"\d+ of \d+ events are lost, those of the last \d+\.\d\d s", probes["restart.loss"].observed
        )
        assert isinstance(after, Present)
        assert after.value.pid != before.pid
        with login(bus, "claude-worker") as worker, login(bus, "hermes") as observer:
            observer.subscribe("python/mqtt/jobs/+/events")
            worker.publish(TOPIC, b"sentinel")
            message = observer.receive(PATIENCE)
    assert message is not None
    assert message.payload == b"sentinel", "nothing of the probes is kept"


def test_a_broker_that_forgets_fails_the_restart_and_runs_afterwards(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    settings = Path(bus.directory) / layout.CONF
    settings.write_text(settings.read_text().replace("persistence true", "persistence false"))
    with running(bus):
        probes = _restarted(bus)
        assert isinstance(live(bus), Present)
    assert (probes["restart.retained"].verdict, probes["restart.retained"].observed) == (
        ProbeVerdict.FAIL,
        "nothing was kept",
    )
    assert probes["restart.loss"].verdict is ProbeVerdict.SKIPPED


def test_a_broker_that_does_not_run_is_not_started_by_its_proof(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with pytest.raises(Unreachable):
        list(RealBrokers(MACHINE, "").proofs(bus, restart=True))
    assert live(bus) == ABSENT


def test_a_broker_that_shall_forget_is_not_restarted(tmp_path: Path) -> None:
    bus = broker(tmp_path, persistence=False)
    made(bus)
    with running(bus) as before:
        assert {probe.verdict for probe in _restarted(bus).values()} == {ProbeVerdict.SKIPPED}
        assert live(bus) == Present(before)


_FORGETFUL = """
import signal
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("ready", flush=True)
while len(asked) < 2:
    signal.pause()
"""


def test_a_broker_that_forgets_that_it_was_told_to_end_is_told_again(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with subprocess.Popen([sys.executable, "-c", _FORGETFUL], stdout=subprocess.PIPE) as forgetful:
        assert forgetful.stdout
        forgetful.stdout.readline()
        process._remember(bus.directory, forgetful.pid, process._fingerprints(bus.directory), MACHINE)
        try:
            assert process.stop(bus.directory, MACHINE)
        finally:
            forgetful.kill()


_FOREGROUND = """
import sys
from bus import MACHINE, MOSQUITTO
from reconciler.broker.running import process
from reconciler.model.address import Address
from reconciler.model.broker import Broker, Listener
process.run(Broker(Address("broker", "bus"), sys.argv[1], listeners=(Listener(int(sys.argv[2]), "127.0.0.1"),)),
            MOSQUITTO, MACHINE)
"""


def test_in_the_foreground_the_command_becomes_the_broker(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    here = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *filter(None, sys.path)))}
    words = [sys.executable, "-c", _FOREGROUND, bus.directory, str(bus.listeners[0].port)]
    with subprocess.Popen(words, env=here, stderr=subprocess.PIPE) as ours:
        try:
            wait_until(lambda: process._answers(bus.listeners[0]))
            found = live(bus)
            assert isinstance(found, Present)
            assert found.value.pid == ours.pid
            process.reload(bus, MACHINE)
        finally:
            ours.send_signal(signal.SIGINT)
            _, log = ours.communicate(timeout=PATIENCE)
    assert b"mosquitto version" in log
    assert live(bus) == ABSENT


def test_retained_events_survive_a_stop(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    with running(bus), login(bus, "claude-worker") as worker:
        worker.publish(TOPIC, b"completed", retain=True)
    with running(bus), login(bus, "hermes") as observer:
        observer.subscribe(TOPIC)
        message = observer.receive(PATIENCE)
        assert message is not None
        assert message.retained


# --- the program ------------------------------------------------------------------------------


def test_mosquitto_is_found_where_no_users_path_leads() -> None:
    found = program.find("/nowhere", MACHINE.processes)
    assert os.path.dirname(found) in program._FOLDERS
    assert program.family(program.version(found)) in conf.Version


def test_a_missing_mosquitto_tells_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_FOLDERS", ())
    with pytest.raises(ReconcilerError, match="not installed") as caught:
        program.find("/nowhere", MACHINE.processes)
    assert "apt-get install mosquitto" in caught.value.fix


@pytest.mark.parametrize(("number", "expected"), [((2, 0, 22), "2.0"), ((2, 1, 2), "2.1"), ((2, 2, 0), "2.1")])
def test_a_version_belongs_to_a_family(number: tuple[int, int, int], expected: str) -> None:
    assert program.family(number) == expected


@pytest.mark.parametrize("number", [(1, 6, 9), (3, 0, 0)])
def test_other_mosquittos_are_not_supported(number: tuple[int, int, int]) -> None:
    with pytest.raises(ReconcilerError, match="not supported"):
        program.family(number)

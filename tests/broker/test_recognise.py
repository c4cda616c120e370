"""A broker in order is recognised, and everything that could be out of order keeps it from being so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from bus import MACHINE, MOSQUITTO, NOW, broker, made
from msgspec.structs import replace

from reconciler.app.project.project import Project
from reconciler.broker.files import layout
from reconciler.broker.real import RealBrokers
from reconciler.broker.running import process
from reconciler.broker.running.process import Machine
from reconciler.broker.running.recognise import HealthyBroker, mark, recognised
from reconciler.model.broker import Broker, Limits, Survey, Target
from reconciler.model.observed import Present

PATH = os.path.dirname(MOSQUITTO)


class At:
    """A clock that stands still."""

    def __init__(self, days: float) -> None:
        self._now = NOW + timedelta(days=days)

    def now(self):
        return self._now

    def pass_days(self, days: float) -> None:
        self._now += timedelta(days=days)


def in_order(bus: Broker) -> HealthyBroker:
    memory = RealBrokers(MACHINE, PATH).memory(bus)
    assert memory
    return memory


def of(bus: Broker) -> str:
    found = mark(bus, PATH, MACHINE)
    assert found
    return found


@pytest.fixture
def running(tmp_path: Path):
    bus = broker(tmp_path)
    made(bus)
    process.start(bus, MOSQUITTO, MACHINE)
    yield bus
    process.stop(bus.directory, MACHINE)


def test_a_broker_in_order_is_recognised_with_the_survey_that_a_close_look_gives(running: Broker):
    memory = in_order(running)
    assert of(running) == of(replace(running))
    close = RealBrokers(MACHINE, PATH).survey(running)
    assert Present(recognised(memory.document(), running, MACHINE)) == close


def test_what_is_to_be_done_is_not_remembered(running: Broker):
    brokers = RealBrokers(MACHINE, PATH)
    assert brokers.memory(replace(running, limits=Limits(connections=5))) is None
    (Path(running.directory) / layout.ACL).write_text("user hermes\n")
    assert brokers.memory(running) is None


def test_what_does_not_run_is_not_remembered_and_not_recognised(running: Broker):
    memory = in_order(running)
    process.stop(running.directory, MACHINE)
    assert RealBrokers(MACHINE, PATH).memory(running) is None
    assert recognised(memory.document(), running, MACHINE) is None


def test_a_process_that_has_read_other_files_is_not_recognised(running: Broker):
    memory = in_order(running)
    other = replace(memory, prints=replace(memory.prints, reload="of other files"))
    assert recognised(other.document(), running, MACHINE) is None


@pytest.mark.parametrize(("days", "known"), [(-1, False), (0.001, True), (58, True), (61, False), (4000, False)])
def test_it_is_recognised_until_a_certificate_is_due_and_not_before_it_was_seen(
    running: Broker, days: float, known: bool
):
    memory = replace(in_order(running), since=NOW)
    machine = replace(MACHINE, clock=At(days))
    assert isinstance(recognised(memory.document(), running, machine), Survey) is known


@pytest.mark.parametrize("document", [None, {}, [], {"prints": {}, "since": "", "until": ""}, "nonsense"])
def test_a_damaged_memory_is_none(running: Broker, document: object):
    assert recognised(document, running, MACHINE) is None


# --- the mark ---------------------------------------------------------------------------------


def _with_one_byte_more(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _with_one_byte_changed(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def _with_another_mode(path: Path) -> None:
    path.chmod(path.stat().st_mode ^ 0o040)


def _gone(path: Path) -> None:
    path.unlink()


def _a_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


EDITS = [_with_one_byte_more, _with_one_byte_changed, _with_another_mode, _gone, _a_link]


@contextmanager
def undone(folder: Path):
    """The folder as it was, after the block."""
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept, symlinks=True)
    yield
    shutil.rmtree(folder)
    kept.rename(folder)


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_of_every_file_is_noticed(tmp_path: Path, edit: Callable[[Path], None]):
    bus = broker(tmp_path, target=Target.DOCKER)
    made(bus)
    folder = Path(bus.directory)
    before = of(bus)
    live = [folder / place.live for place in layout.SWAPPED]
    names = [path.relative_to(folder) for place in live for path in place.rglob("*") if path.is_file()]
    names = [name for name in names if name.name != "SHA256SUMS"]
    assert len(names) == 12
    for name in (*names, layout.COMPOSE):
        with undone(folder):
            edit(folder / name)
            assert mark(bus, PATH, MACHINE) != before, name
        assert mark(bus, PATH, MACHINE) == before


def test_a_digest_that_no_longer_holds_is_noticed(tmp_path: Path):
    bus = broker(tmp_path)
    made(bus)
    before = of(bus)
    sums = Path(bus.directory) / layout.SET / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("  acl", "  other"))
    assert mark(bus, PATH, MACHINE) != before


SETTINGS = [
    {"host": "mqtt.internal"},
    {"limits": Limits(connections=5)},
    {"persistence": False},
    {"target": Target.SYSTEMD},
    {"topics": ("lab/#",)},
    {"demo_topic": True},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_is_noticed(tmp_path: Path, settings: dict[str, object]):
    bus = broker(tmp_path)
    made(bus)
    assert of(replace(bus, **settings)) != of(bus)


def test_another_mosquitto_is_noticed(tmp_path: Path):
    bus = broker(tmp_path)
    made(bus)
    own = tmp_path / "bin"
    own.mkdir()
    shutil.copy2(MOSQUITTO, own / "mosquitto")
    first = mark(bus, str(own), MACHINE)
    assert first != of(bus)
    os.utime(own / "mosquitto", (1, 1))
    assert mark(bus, str(own), MACHINE) not in {"", first}


@dataclass
class Counted:
    """A project whose broker is looked at again and again, and how often it was judged closely."""

    at: Project
    bus: Broker
    judged: int = 0
    clock: At = field(default_factory=lambda: At(0))

    def survey(self):
        found = self.at.brokers.survey(self.bus)
        anew = RealBrokers(Machine(MACHINE.processes, self.clock), PATH).survey(self.bus)
        assert (found.value.edited, found.value.problems, found.value.runs, found.value.due) == (
            anew.value.edited,
            anew.value.problems,
            anew.value.runs,
            anew.value.due,
        )
        return found


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A broker that is made and should run, but does not: it is not in order, so it is not recognised."""
    bus = broker(tmp_path)
    made(bus)
    clock = At(0)
    at = Project(str(tmp_path), str(tmp_path / "registry"), {"PATH": PATH}, clock=clock)
    found = Counted(at, bus, clock=clock)
    survey = at.brokers.real.survey

    class Judge:
        def survey(self, each: Broker):
            found.judged += 1
            return survey(each)

    monkeypatch.setitem(vars(at.brokers._known), "real", Judge())
    yield found
    process.stop(bus.directory, MACHINE)


def test_what_is_not_in_order_is_judged_once_while_nothing_changes(counted: Counted):
    assert counted.survey() == counted.survey()
    assert counted.judged == 1


def _edited(counted: Counted) -> None:
    (Path(counted.bus.directory) / layout.ACL).write_text("user hermes\n")


def _started(counted: Counted) -> None:
    process.start(counted.bus, MOSQUITTO, MACHINE)


def _redeclared(counted: Counted) -> None:
    counted.bus = replace(counted.bus, limits=Limits(connections=5))


def _grown_old(counted: Counted) -> None:
    counted.clock.pass_days(3000)


@pytest.mark.parametrize("change", [_edited, _started, _redeclared, _grown_old])
def test_it_is_judged_again_at_once_when_something_has_changed(counted: Counted, change: Callable[[Counted], None]):
    before = counted.survey()
    change(counted)

    assert counted.survey() != before
    assert counted.judged == 2


def test_a_given_ca_that_changes_is_noticed(tmp_path: Path):
    bus = broker(tmp_path)
    made(bus)
    ca = Path(bus.directory) / "ca"
    shutil.copytree(ca, tmp_path / "own")
    paths = {"ca_cert": str(tmp_path / "own/ca.crt"), "ca_key": str(tmp_path / "own/ca.key")}
    given = replace(bus, tls=replace(bus.tls, **paths))
    before = of(given)
    _with_one_byte_more(tmp_path / "own/ca.key")
    assert of(given) != before
    _gone(tmp_path / "own/ca.key")
    assert mark(given, PATH, MACHINE) == ""

"""The bus of files: what only files can do, and what is done about them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from waiting import wait_until

from reconciler.ports import local_bus, own_files
from reconciler.ports.bus import BusRefused, BusUnreachable, Cause, Message
from reconciler.ports.local_bus import LocalBus

TOPIC = "python/mqtt/jobs/j1/events"
ALL = "python/mqtt/jobs/+/events"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


def bus(folder: Path) -> LocalBus:
    return LocalBus(str(folder))


def test_only_their_owner_reads_the_files(folder: Path) -> None:
    old = os.umask(0)
    try:
        bus(folder).publish(TOPIC, b"secret")
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert modes == {"jobs": 0o700, "j1": 0o700, "events.spool": 0o600, ".spool": 0o600}


@pytest.mark.parametrize(
    "topic", ["a/../events", "a/./events", "a/.follower/events", "a/b", "a/b c/events", "a/+/events"]
)
def test_a_topic_leads_into_no_other_folder(folder: Path, topic: str) -> None:
    with pytest.raises(BusRefused) as caught:
        bus(folder).publish(topic, b"x")
    assert caught.value.cause is Cause.NOT_AUTHORISED
    assert not folder.exists()


def test_what_a_killed_writer_left_is_passed_over(folder: Path) -> None:
    reader = bus(folder)
    reader.subscribe(TOPIC)
    bus(folder).publish(TOPIC, b"1")
    path = folder / "j1" / "events.spool"
    with path.open("ab") as file:
        file.write(b"m python/mqtt/jobs/j1/eve")
    assert reader.receive(5) == Message(TOPIC, b"1")
    bus(folder).publish(TOPIC, b"2")
    assert reader.receive(5) == Message(TOPIC, b"2")
    path.write_bytes(path.read_bytes() + b"nonsense\nm x !!!\n\n")
    bus(folder).publish(TOPIC, b"3")
    assert reader.receive(5) == Message(TOPIC, b"3")


def test_a_writer_that_was_killed_before_it_told_is_heard(folder: Path) -> None:
    reader = bus(folder)
    reader.subscribe(TOPIC)
    assert reader.receive(0) is None
    heard = (folder / ".spool").read_bytes() if (folder / ".spool").exists() else None
    bus(folder).publish(TOPIC, b"1")
    (folder / ".spool").unlink() if heard is None else (folder / ".spool").write_bytes(heard)
    assert reader.receive(10) == Message(TOPIC, b"1")


def test_a_job_that_was_forgotten_begins_anew(folder: Path) -> None:
    reader = bus(folder)
    reader.subscribe(ALL)
    bus(folder).publish(TOPIC, b"a long message, the first of all")
    assert reader.receive(5) is not None
    (folder / "j1" / "events.spool").unlink()
    bus(folder).publish(TOPIC, b"2")
    assert reader.receive(5) == Message(TOPIC, b"2")


def test_a_full_disk_is_told_and_leaves_nothing_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bus(folder).publish(TOPIC, b"1")
    before = (folder / "j1" / "events.spool").read_bytes()

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_bus.fcntl, "flock", lambda *_: full(0))
    with pytest.raises(BusUnreachable) as caught:
        bus(folder).publish(TOPIC, b"2")
    assert "No space left" in caught.value.summary
    assert (folder / "j1" / "events.spool").read_bytes() == before


def test_who_floods_a_job_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_bus, "LARGEST_SPOOL", 200)
    bus(folder).publish(TOPIC, b"x" * 30)
    bus(folder).publish(TOPIC, b"x" * 30)
    with pytest.raises(BusRefused) as caught:
        bus(folder).publish(TOPIC, b"x" * 30)
    assert caught.value.cause is Cause.QUOTA
    assert (folder / "j1" / "events.spool").stat().st_size <= 200


def test_a_link_in_the_way_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "j1").mkdir(parents=True)
    own_files.fence(str(tmp_path), ["jobs"])
    (tmp_path / "other").write_text("mine\n")
    (folder / "j1" / "events.spool").symlink_to(tmp_path / "other")
    with pytest.raises(own_files.LinkInTheWay):
        bus(folder).publish(TOPIC, b"x")
    assert (tmp_path / "other").read_text() == "mine\n"


def test_many_writers_lose_nothing_and_mix_nothing_up(folder: Path) -> None:
    script = (
        "import sys; from reconciler.ports.local_bus import LocalBus; bus = LocalBus(sys.argv[1])\n"
        "for n in range(40): bus.publish(f'a/j{n % 3}/events', f'{sys.argv[2]}.{n} '.encode() * 200)"
    )
    reader = bus(folder)
    reader.subscribe("a/+/events")
    writers = [subprocess.Popen([sys.executable, "-c", script, str(folder), str(each)]) for each in range(4)]
    found: list[Message] = []

    def have_all() -> bool:
        found.extend(iter(lambda: reader.receive(0), None))
        return len(found) >= 160

    wait_until(have_all)
    assert [writer.wait() for writer in writers] == [0] * 4
    said = [message.payload.split() for message in found]
    assert all(len(words) == 200 and len(set(words)) == 1 for words in said)
    assert {words[0] for words in said} == {f"{who}.{n}".encode() for who in range(4) for n in range(40)}


def test_no_thread_and_no_mqtt_library_is_needed(folder: Path) -> None:
    before = threading.active_count()
    with closing(bus(folder)) as reader:
        reader.subscribe(TOPIC)
        reader.receive(0)
        assert threading.active_count() == before
    told = subprocess.run(
        [sys.executable, "-c", "import sys, reconciler.ports.buses; print(any('paho' in m for m in sys.modules))"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout == "False\n"

"""The rendered files of a broker, committed to a repository and judged on another machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bus import broker, made
from msgspec.structs import replace

from reconciler.broker.files import layout
from reconciler.broker.offline import survey
from reconciler.model.broker import Broker, Listener, Survey
from reconciler.model.observed import ABSENT, Present, Unknown

COMMITTED = (layout.CONF, layout.ACL, f"{layout.SET}/SHA256SUMS")


@pytest.fixture
def committed(tmp_path: Path) -> Broker:
    """A broker that was made elsewhere, of which only the rendered files are here, with the modes of a checkout."""
    there = broker(tmp_path / "there", listeners=(Listener(8883, "127.0.0.1"),))
    made(there)
    here = tmp_path / "here"
    for path in COMMITTED:
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(there.directory, path), here / path)
        (here / path).chmod(0o644)
    return replace(there, directory=str(here))


def test_the_files_of_another_machine_differ_in_nothing(committed: Broker) -> None:
    assert survey(committed) == Present(Survey(made=True))


def _changes(bus: Broker) -> list[tuple[str, tuple[object, object]]]:
    found = survey(bus)
    assert isinstance(found, Present)
    return [(change.path, (change.before, change.after)) for change in found.value.changes]


def test_what_the_settings_changed_since_is_told(committed: Broker) -> None:
    assert _changes(replace(committed, demo_topic=True)) == [("acl.everybody", (None, "readwrite python/mqtt/sample"))]
    more = (*committed.listeners, Listener(8999, "127.0.0.1"))
    assert ("mosquitto.conf", (None, "listener 8999 127.0.0.1")) in _changes(replace(committed, listeners=more))


@pytest.mark.parametrize("path", [layout.CONF, layout.ACL])
def test_an_edit_by_hand_is_told(committed: Broker, path: str) -> None:
    with Path(committed.directory, path).open("a") as file:
        file.write("# by hand\n")
    found = survey(committed)
    assert isinstance(found, Present)
    assert found.value.edited == (path,)


def test_files_that_are_not_here_are_absent(tmp_path: Path) -> None:
    assert survey(broker(tmp_path)) == ABSENT


def test_files_that_are_links_are_unknown(committed: Broker) -> None:
    conf = Path(committed.directory, layout.CONF)
    conf.rename(conf.with_name("moved"))
    conf.symlink_to("moved")
    found = survey(committed)
    assert isinstance(found, Unknown)
    assert "is a symbolic link" in found.reason

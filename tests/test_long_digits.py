"""Thousands of digits, and digits that are none, where others write a number: an answer or an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.processes import FakeProcesses

from reconciler.agents import jsonl, versions
from reconciler.app.plan.generations import _limits
from reconciler.broker.clients.connection import Settings, broker_config_from_env
from reconciler.broker.files import conf, passwords
from reconciler.jobs.hook_notes import _forget_the_gone
from reconciler.jobs.record import Records
from reconciler.model.digits import number_in
from reconciler.model.duration import seconds
from reconciler.model.errors import ReconcilerError
from reconciler.model.generation import generation_number
from reconciler.model.observed import Unknown
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.processes_by_proc import start_ticks

LONG = "9" * 5000  # Python reads no more than 4300 digits


@pytest.mark.parametrize("text", [LONG, LONG.encode(), "", b"", "-1", "1.5", "²", " 1", "x"])
def test_what_is_no_number_of_a_bounded_length_is_none(text: str | bytes) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), (b"4711", 4711), ("9" * 300, 10**300 - 1)])
def test_digits_are_a_number(text: str | bytes, number: int) -> None:
    assert number_in(text) == number


def _refused(ask_for: Callable[[], object]) -> bool:
    with pytest.raises(ReconcilerError):
        ask_for()
    return True


def _conf(line: str) -> list[str]:
    return [each.summary for each in conf.complaints(conf.parse(line), conf.Version.V2_0, "conf")]


def _port(value: str) -> object:
    return broker_config_from_env(Settings(env={"MQTT_PORT": value}), RealFiles())


@pytest.mark.parametrize("digits", [LONG, "²"])
def test_no_reader_of_a_number_fails_at_digits_that_python_does_not_read(digits: str) -> None:
    assert versions.without_newer(["--x"], [("--x", "1.0")], f"cli {digits}.0") in {(), ("--x",)}
    assert jsonl.number({"pid": digits}, "pid") is None
    assert passwords.parse(f"u:$7${digits}$x$y", "passwd")[1]
    assert any(digits in each for each in _conf(f"max_connections {digits}"))
    assert any(digits in each for each in _conf(f"listener {digits}"))
    assert _refused(lambda: _port(digits))
    assert _refused(lambda: _limits({"RECONCILER_HISTORY": digits}))
    assert _refused(lambda: generation_number(digits))
    assert isinstance(start_ticks(b"7 (x) S" + b" 1" * 18 + f" {digits}".encode()), Unknown)


@pytest.mark.parametrize("text", [f"{LONG}d", "9" * 20 + "d", f"{LONG}.{LONG}ms"])
def test_a_length_of_time_is_one_that_a_calendar_has(text: str) -> None:
    assert RealClock().now() + timedelta(seconds=seconds(text))
    assert RealClock().now() - timedelta(seconds=seconds(text))


def test_a_note_whose_name_begins_with_such_digits_is_left_alone(tmp_path: Path) -> None:
    note = tmp_path / "²-1.json"
    note.write_text("{}")
    _forget_the_gone(str(tmp_path), Records(str(tmp_path), RealFiles(), FakeClock(), {}), FakeProcesses())
    assert note.exists()

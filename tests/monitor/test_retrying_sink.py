"""A sink that fails, and one that hangs."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event

import pytest
from fakes.clock import FakeClock
from msgspec.structs import replace
from passes import gone, seen
from waiting import PATIENCE, wait_until

from reconciler.monitor.backlog import LIMIT, Backlog, add, backlog_file, load
from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks import retrying
from reconciler.monitor.sinks.retrying import Retrying
from reconciler.monitor.state_folder import StateFolder
from reconciler.ports.files import RealFiles

PAUSES = (0.01,)


class Flaky:
    """Fails with `error` for as long as there is one; hangs while `gate` is closed."""

    name = "flaky"

    def __init__(self, error=None):
        self.error, self.heard, self.attempts, self.closed, self.answer = error, [], 0, False, ""
        self.gate = Event()
        self.gate.set()

    def tell(self, seen):
        self.attempts += 1
        assert self.gate.wait(PATIENCE)
        if self.error:
            raise self.error
        self.heard.append(seen)
        return self.answer

    def close(self):
        self.closed = True

    @property
    def news(self):
        return [each.drift.session for one in self.heard for each in one.news]


@contextmanager
def courier(sink, pauses=PAUSES, backlog=None):
    warnings = []
    made = Retrying(sink, warnings.append, backlog, pauses)
    try:
        yield made, warnings
    finally:
        sink.gate.set()
        made.close()


def sessions(*names):
    return [f"lab-creator-{name}" for name in names]


def test_what_could_not_be_told_is_told_later_in_order_and_once():
    sink = Flaky(SinkFailed("no route", detail="to\nhost"))
    with courier(sink) as (made, warnings):
        made.tell(seen(gone("a")))
        wait_until(lambda: sink.attempts > 3)
        made.tell(seen(gone("b")))
        sink.error = None
        wait_until(lambda: len(sink.news) == 2)
        wait_until(lambda: len(warnings) == 2)
    assert sink.news == sessions("a", "b")
    assert warnings == [
        "flaky cannot be reached: no route: to host. Retrying.",
        "flaky works again",
    ]


def test_the_state_that_is_told_after_a_failure_is_the_latest():
    sink = Flaky(SinkFailed("no route"))
    sink.gate.clear()
    with courier(sink) as (made, _):
        made.tell(seen(gone("a"), number=1))
        wait_until(lambda: sink.attempts)
        made.tell(seen(number=2))
        sink.gate.set()
        wait_until(lambda: sink.attempts > 2)
        sink.error = None
        wait_until(lambda: sink.heard)
    assert ([each.number for each in sink.heard], sink.news) == ([2], sessions("a"))


def test_a_pass_that_saw_nothing_takes_the_place_of_none_that_did():
    """Neither while that is being told nor while it waits; so the end of an outage is told when it is one."""
    sink = Flaky(SinkFailed("no route"))
    sink.gate.clear()
    with courier(sink) as (made, warnings):
        made.tell(seen(number=1))
        wait_until(lambda: sink.attempts)
        made.tell(replace(seen(number=2), blind=True))
        sink.gate.set()
        wait_until(lambda: sink.attempts > 2)
        made.tell(replace(seen(number=3), blind=True))
        wait_until(lambda: sink.attempts > 4)
        assert len(warnings) == 1
        sink.error = None
        wait_until(lambda: sink.heard)
    assert [each.number for each in sink.heard] == [1]


def test_a_mistake_in_a_sink_does_not_silence_it():
    sink = Flaky(RuntimeError("oops"))
    with courier(sink) as (made, _):
        made.tell(seen(gone("a")))
        wait_until(lambda: sink.attempts)
        sink.error = None
        wait_until(lambda: sink.news)


def test_a_sink_that_hangs_delays_nobody_and_then_hears_everything():
    sink = Flaky()
    sink.gate.clear()
    with courier(sink) as (made, warnings):
        for name in "abc":
            assert made.tell(seen(gone(name))) == ""
        assert sink.heard == []
        sink.gate.set()
        wait_until(lambda: len(sink.news) == 3)
    assert sink.news == sessions("a", "b", "c")
    assert warnings == []


def test_the_answer_of_a_sink_reaches_the_next_pass():
    sink = Flaky()
    sink.answer = "stop-requested by user"
    with courier(sink) as (made, _):
        wait_until(lambda: made.tell(seen()) == "stop-requested by user")


def test_the_end_waits_for_what_is_not_told_yet():
    sink = Flaky()
    with courier(sink) as (made, _):
        made.tell(seen(gone("a")))
    assert sink.news == sessions("a")
    assert sink.closed


def test_the_end_tries_once_more_and_says_what_is_lost():
    sink = Flaky(SinkFailed("no route"))
    with courier(sink, pauses=(600,)) as (made, warnings):
        made.tell(seen(gone("a")))
        wait_until(lambda: warnings)
    assert sink.attempts == 2
    assert warnings[1:] == ["flaky did not get everything; drifts it missed: 1"]


def test_the_end_leaves_behind_what_hangs(monkeypatch):
    monkeypatch.setattr(retrying, "_LAST_WORDS", 0.05)
    sink = Flaky()
    sink.gate.clear()
    with courier(sink) as (made, warnings):
        made.tell(seen(gone("a")))
        wait_until(lambda: sink.attempts)
        made.close()
        assert warnings == ["flaky does not answer; its last reports may be lost"]
        assert not sink.closed


def test_only_so_many_news_are_kept_and_the_rest_is_counted():
    sink = Flaky(SinkFailed("no route"))
    with courier(sink) as (made, warnings):
        for number in range(LIMIT // 100 + 1):
            made.tell(seen(*[gone(f"{number}-{each}") for each in range(100)]))
        wait_until(lambda: warnings and made._backlog.dropped == 100)
        sink.error = None
        wait_until(lambda: len(warnings) == 2)
    assert len(sink.news) == LIMIT
    assert sink.news[0] == "lab-creator-1-0"
    assert warnings[1].endswith("; drifts it missed: 100")


# --- on disk ----------------------------------------------------------------------------------


@pytest.fixture
def backlog(tmp_path):
    return backlog_file(StateFolder(str(tmp_path / "state"), RealFiles(), FakeClock()), "exec:flaky", "flaky", print)


def notices(*names):
    return seen(*map(gone, names)).news


def test_news_are_on_disk_when_they_may_be_struck_off_and_no_longer_once_they_were_told(backlog):
    sink = Flaky()
    sink.gate.clear()
    with courier(sink, backlog=backlog) as (made, _):
        made.tell(seen(gone("a")))
        made.tell(seen(gone("b")))
        assert load(backlog) == Backlog(notices("a", "b"))
    assert sink.news == sessions("a", "b")
    assert load(backlog) == Backlog()


def test_a_killed_monitor_s_backlog_is_told_first_and_once(backlog):
    add(backlog, notices("a", "b"))
    sink = Flaky()
    with courier(sink, backlog=backlog) as (made, warnings):
        made.tell(seen(gone("c"), gone("b")))  # b was not struck off yet
    assert sink.news == sessions("a", "b", "c")
    assert (load(backlog), warnings) == (Backlog(), [])


def test_a_pass_without_news_pays_what_is_owed(backlog):
    add(backlog, notices("a"))
    sink = Flaky()
    with courier(sink, backlog=backlog) as (made, _):
        made.tell(seen())
    assert sink.news == sessions("a")
    assert load(backlog) == Backlog()


def test_a_pass_without_news_writes_nothing(backlog, tmp_path):
    sink = Flaky()
    with courier(sink, backlog=backlog) as (made, _):
        made.tell(seen())
    assert len(sink.heard) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_end_leaves_what_could_not_be_told_to_the_next_monitor(backlog):
    with courier(Flaky(SinkFailed("no route")), pauses=(600,), backlog=backlog) as (made, warnings):
        made.tell(seen(gone("a")))
    assert warnings[-1] == "flaky did not get everything; drifts that the next monitor will send: 1"
    assert load(backlog) == Backlog(notices("a"))


def test_the_end_leaves_to_the_next_monitor_what_hangs(backlog, monkeypatch):
    monkeypatch.setattr(retrying, "_LAST_WORDS", 0.05)
    sink = Flaky()
    sink.gate.clear()
    with courier(sink, backlog=backlog) as (made, warnings):
        made.tell(seen(gone("a")))
        made.close()
        assert warnings == ["flaky does not answer; the next monitor will send its last reports"]
        assert load(backlog) == Backlog(notices("a"))


def test_what_an_earlier_monitor_dropped_is_counted(backlog):
    add(backlog, notices(*map(str, range(LIMIT + 2))))
    sink = Flaky()
    with courier(sink, backlog=backlog) as (made, warnings):
        made.tell(seen())
    assert (len(sink.news), warnings) == (LIMIT, ["flaky works again; drifts it missed: 2"])
    assert load(backlog) == Backlog()

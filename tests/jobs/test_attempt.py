"""A claimed job and its agent: typed at most once, and never again after a runner died while it typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.world import FakeWorld
from jobs.desk import desk, now
from jobs.test_deliver_faults import CHAT, EMPTY, QUESTION, pasting, recipient
from jobs.test_envelope import JOB, WHOLE

from reconciler.jobs.attempt import attempt, is_hopeless, is_later, pause_after
from reconciler.jobs.envelope import unpacked
from reconciler.jobs.record import Records, read
from reconciler.jobs.taken import Workplace, take, why_dead
from reconciler.jobs.transitions import end_job
from reconciler.model.delivery import Delivery, DeliveryVerdict
from reconciler.model.destination import Destination
from reconciler.model.job import Ending, Job, Result
from reconciler.ports.bus import BusUnreachable, Cause
from reconciler.ports.queue import Claim


class Killed(BaseException):
    """The runner ends here: nothing after this is done."""


@pytest.fixture
def world() -> FakeWorld:
    made = FakeWorld()
    made.tmux.add("a", "node", "/w", title="◇  Ready (w)")
    made.tmux.screens["%0"] = EMPTY
    made.files.put(CHAT, b'{"sessionId":"id-1"}\n')
    return made


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return desk(tmp_path)


def taken(records: Records) -> Job:
    claim = Claim(JOB.id, Destination(host="b"), WHOLE)
    return take(records, claim, unpacked(WHOLE, JOB.id), Workplace("b", "gemini", "/nowhere"))


def yes() -> bool:
    return True


def tried(records: Records, world: FakeWorld, may_begin=yes) -> Delivery | None:
    return attempt(records, read(records, JOB.id), recipient(world), world, may_begin)


def test_a_busy_or_asking_agent_leaves_no_trace_of_the_attempt(records: Records, world: FakeWorld) -> None:
    taken(records)
    world.tmux.screens["%0"] = QUESTION
    first = tried(records, world)
    assert first
    assert first.verdict is DeliveryVerdict.REFUSED_DIALOG
    assert is_later(first)
    assert read(records, JOB.id).delivery is None
    assert not read(records, JOB.id).ended


def test_what_may_not_begin_here_is_not_typed(records: Records, world: FakeWorld, monkeypatch) -> None:
    taken(records)
    monkeypatch.setattr(world.tmux, "paste", lambda *_: pytest.fail("it was typed"))
    assert tried(records, world, lambda: False) is None
    assert read(records, JOB.id).delivery is None
    assert not read(records, JOB.id).ended


def test_a_queue_that_does_not_say_whether_it_may_begin_lets_nothing_be_typed(
    records: Records, world: FakeWorld, monkeypatch
) -> None:
    taken(records)
    monkeypatch.setattr(world.tmux, "paste", lambda *_: pytest.fail("it was typed"))

    def away() -> bool:
        raise BusUnreachable(Cause.NO_ANSWER, "away")

    with pytest.raises(BusUnreachable):
        tried(records, world, away)
    assert read(records, JOB.id).delivery is None


def test_a_runner_that_dies_while_it_types_has_said_before_that_it_may_be_typed(
    records: Records, world: FakeWorld, monkeypatch
) -> None:
    taken(records)

    def dies(*_asked: object) -> None:
        raise Killed

    monkeypatch.setattr(world.tmux, "paste", dies)
    with pytest.raises(Killed):
        tried(records, world)
    left = read(records, JOB.id)
    assert left.delivery
    assert left.delivery["verdict"] == "unverified"
    silent = end_job(records, JOB.id, Result(Ending.IDLE_TIMEOUT, "silent for 30 s", now(records)))
    assert "uncertain" in why_dead(silent)


def test_a_question_that_opens_in_the_very_last_moment_is_not_taken_for_typing(
    records: Records, world: FakeWorld
) -> None:
    taken(records)
    asked = []

    def opens() -> bool:
        asked.append(1)
        world.tmux.screens["%0"] = QUESTION
        return True

    delivery = tried(records, world, opens)
    assert delivery
    assert (delivery.verdict, asked) == (DeliveryVerdict.REFUSED_DIALOG, [1])
    assert read(records, JOB.id).delivery is None, "it may be tried again"


def test_a_cancelled_job_is_not_typed(records: Records, world: FakeWorld, monkeypatch) -> None:
    taken(records)
    monkeypatch.setattr(world.tmux, "paste", lambda *_: pytest.fail("it was typed"))
    job = read(records, JOB.id)
    end_job(records, JOB.id, Result(Ending.CANCELLED, "cancelled", now(records)))
    assert attempt(records, job, recipient(world), world, yes) is None


def test_an_agent_that_is_gone_ends_the_job_as_a_dead_letter(records: Records, world: FakeWorld) -> None:
    taken(records)
    to = recipient(world)
    world.tmux.exit_agent("a")
    delivery = attempt(records, read(records, JOB.id), to, world, yes)
    assert delivery
    assert is_hopeless(delivery)
    ended = read(records, JOB.id)
    assert ended.result
    assert ended.result.ending is Ending.ERROR
    assert "refused_dead" in why_dead(ended)


def test_what_is_submitted_is_recorded_with_its_evidence(records: Records, world: FakeWorld, monkeypatch) -> None:
    taken(records)
    pasting(world, monkeypatch)
    delivery = tried(records, world)
    assert delivery
    assert not is_later(delivery)
    assert not is_hopeless(delivery)
    assert (read(records, JOB.id).delivery or {})["verdict"] == delivery.verdict


def test_each_pause_is_longer_than_the_one_before_up_to_a_limit() -> None:
    assert [pause_after(number) for number in (1, 2, 3, 4, 5, 50)] == [30, 60, 120, 240, 300, 300]

"""Permissions that nobody told of are seen on the screens of the agents of open jobs, and told as events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from broker.mosquitto import Knobs, Mosquitto, running
from fakes.world import FakeWorld
from jobs.desk import audited, block, desk, opened
from jobs.stage import PROFILES, staged
from msgspec.structs import replace
from waiting import wait_until

from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs import permission_watcher as module
from reconciler.jobs.agent_state import AgentState, Recipient
from reconciler.jobs.follow import follow
from reconciler.jobs.permission_watcher import DialogRecord, PermissionWatcher, WatchedAgent, judge_dialog
from reconciler.jobs.publish import Outcome, Publication
from reconciler.jobs.record import read, update
from reconciler.jobs.transitions import note_delivery
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.errors import Unreachable
from reconciler.model.event_kind import EventKind
from reconciler.model.job import Permission
from reconciler.model.snapshot import Pane
from reconciler.ports.mqtt import connect

ASKS, GOES_ON = EventKind.PERMISSION_REQUIRED, EventKind.PROGRESS


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(tmp_path_factory.mktemp("broker"), Knobs()) as broker:
        yield broker


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


# --- what is told -----------------------------------------------------------------------------


def told(tmp_path, *looks):
    """What is told at each look: a dialog, with `!` when a request is on record by then."""
    job, sight, said = opened(desk(tmp_path)), DialogRecord(), []
    for look in looks:
        pending = Permission("r", "t", "w", job.created_at) if look.endswith("!") else None
        sight, kind = judge_dialog(replace(job, permission=pending), look.rstrip("!"), sight)
        said.append(kind)
    return said


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (["", "", ""], [None, None, None]),
        (["a", "a", "a", "a!", "a!"], [None, ASKS, None, None, None]),
        (["a", "", "a", ""], [None, None, None, None]),
        (["a", "a", "a!", "!", "!", ""], [None, ASKS, None, None, GOES_ON, None]),
        (["a", "a", "a!", "b!", "b!"], [None, ASKS, None, None, ASKS]),
        (["a", "a", "a!", "a", "a!"], [None, ASKS, None, ASKS, None]),
        (["a", "a", "a!", "", "", "a", "a"], [None, ASKS, None, None, None, None, ASKS]),
        (["a!", "a!", "b!", "b!", "!", "!"], [None] * 6),
    ],
    ids=[
        "nothing is asked",
        "told once, also while the event is on its way",
        "what is gone at the next look is not told",
        "it goes on",
        "it asks something else",
        "answered, and asked once more at once",
        "answered, and asked once more later",
        "what a hook tells is left to it",
    ],
)
def test_a_dialog_that_stays_is_told_once(tmp_path, looks, expected):
    assert told(tmp_path, *looks) == expected


# --- on a real server and a real broker -------------------------------------------------------


class Impatient:
    """A clock on which it is always time for the next look."""

    def __init__(self, clock):
        self._clock, self._hours = clock, 0

    def __getattr__(self, name):
        return getattr(self._clock, name)

    def monotonic(self):
        self._hours += 3600
        return self._hours


@pytest.mark.parametrize("cli", ["claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot"])
def test_the_job_waits_for_a_permission_until_the_agent_goes_on(stage, broker, tmp_path, cli):
    records = desk(tmp_path)
    job = opened(records, broker=block(broker), timeout=600, idle_timeout=600)
    note_delivery(records, job.id, {"verdict": "submitted"}, delivered=True)
    agent = stage.agent(f"asks-{cli}", cli, "ask")
    watcher = PermissionWatcher(
        replace(records, clock=Impatient(records.clock)), lambda _job: WatchedAgent(agent.to, stage.world)
    )

    with closing(connect(broker.connection("hermes"))) as bus:
        follower = follow(records, bus, [job.id])

        def permission():
            watcher.look([job.id])
            follower.step(0.1)
            return read(records, job.id).permission

        asked = wait_until(permission)
        assert asked.tool == "screen"
        assert "touch" in asked.what or "Shell" in asked.what
        assert max(map(len, asked.what.split(" / "))) <= 60
        for _ in range(3):
            assert permission() == asked
        agent.keys("Escape")
        wait_until(lambda: permission() is None)
    entries = audited(records, job)
    assert [each["event"] for each in entries if each["what"] == "accepted"] == [ASKS, GOES_ON]


def test_a_job_whose_delivery_could_not_be_proved_may_ask_too(tmp_path, monkeypatch):
    looks = Looks(tmp_path, monkeypatch, [SENT])
    looks.job = note_delivery(looks.records, opened(looks.records).id, {"verdict": "unverified"}, delivered=False)
    looks.look(ASKING)
    assert looks.told == [ASKS]


def test_a_job_that_was_not_handed_over_asks_nothing(tmp_path, monkeypatch):
    looks = Looks(tmp_path, monkeypatch, [])
    looks.job = opened(looks.records)
    looks.look(ASKING)
    assert looks.told == []


def delivered(records):
    job = opened(records)
    return note_delivery(records, job.id, {"verdict": "submitted"}, delivered=True)


@pytest.mark.parametrize("error", [Unreachable("tmux could not be asked"), FileNotFoundError("gone")])
def test_many_agents_are_looked_at_in_turn_and_one_that_is_not_found_is_looked_for_again(tmp_path, error):
    records, asked = desk(tmp_path), []

    def find(job):
        asked.append(job.id)
        raise error

    jobs = [delivered(records).id for _ in range(10)]
    watcher = PermissionWatcher(replace(records, clock=Impatient(records.clock)), find)
    for _ in range(5):
        watcher.look(jobs)
    assert asked == jobs * 2


class Looks:
    """A watcher over one job, whose agent shows what a test says, and what it published."""

    def __init__(self, tmp_path, monkeypatch, outcomes):
        self.records = desk(tmp_path)
        self.job = delivered(self.records)
        self.told, self.shown = [], AgentState(None)
        monkeypatch.setattr(module, "observe_agent", lambda *_: self.shown)
        monkeypatch.setattr(module, "publish", lambda *words: (self.told.append(words[2]), outcomes.pop(0))[1])
        to = Recipient(PANE, PROFILES["claude"], AgentEnvironment("/", "/", {}), "", "")
        self.watcher = PermissionWatcher(
            replace(self.records, clock=Impatient(self.records.clock)), lambda _job: WatchedAgent(to, FakeWorld())
        )

    def look(self, shown, times=2):
        self.shown = shown
        for _ in range(times):
            self.watcher.look([self.job.id])


PANE = Pane("s", "$1", "%1", 1, "claude", "/")
ASKING = AgentState(
    PANE,
    shown=LiveAgent(Activity.WAITING),
    lines=("Do you want to proceed?", "1. Yes", "2. No", "Esc to cancel"),
)
SENT, FAILED = Publication(Outcome.PUBLISHED), Publication(Outcome.FAILED)


def test_what_could_not_be_published_is_told_at_the_next_look(tmp_path, monkeypatch):
    looks = Looks(tmp_path, monkeypatch, [FAILED, FAILED, SENT])
    looks.look(ASKING, times=6)
    assert looks.told == [ASKS] * 3


@pytest.mark.parametrize(
    "unseen",
    [AgentState(None), AgentState(replace(PANE, dead=True)), AgentState(PANE, shell="bash"), AgentState(PANE)],  # noqa: S604 - a field, no shell runs
    ids=["gone", "dead", "a shell", "nothing to be read"],
)
def test_an_agent_that_cannot_be_seen_is_not_said_to_go_on(tmp_path, monkeypatch, unseen):
    looks = Looks(tmp_path, monkeypatch, [SENT])
    looks.look(ASKING)
    update(looks.records, looks.job.id, lambda job: replace(job, permission=Permission("r", "t", "w", job.created_at)))
    looks.look(unseen, times=3)
    assert looks.told == [ASKS]


def test_no_agent_is_looked_at_more_often_than_every_two_seconds(tmp_path):
    watcher = PermissionWatcher(desk(tmp_path), lambda _job: pytest.fail("it was looked at"))
    watcher.look(["20260625T031924123-0c7e5a9b1d2f3a4b"])

"""The monitor beside a user who does everything at once, for as long as RECONCILER_SOAK says (seconds).

In the end the registry says what is live. No session is said to be gone that was not, and nothing is told twice.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from typing import Any

from broker.mosquitto import SECRETS, running
from delegating import Lab
from project import Project
from waiting import PATIENCE, wait_until

SECONDS = float(os.environ.get("RECONCILER_SOAK", "0"))
AGENTS = {"one": {"type": "claude"}, "two": {"type": "claude"}, "sh": {"type": "shell"}, "sh2": {"type": "shell"}}
STRANGERS = [f"shop-creator-s{number}" for number in range(4)]


@dataclass
class User:
    """Somebody who works in a hurry; `deaths` counts how often each session really ended."""

    lab: Lab
    chance: random.Random
    deaths: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    @property
    def project(self) -> Project:
        return self.lab.project

    def act(self) -> None:
        what = self.chance.choice(
            [
                self.meet,
                self.meet,
                self.kill,
                self.kill,
                self.rename,
                self.clear,
                self.say,
                self.apply,
                self.restart_tmux,
            ]
            + [self.restart_broker] * (self.chance.random() < 0.3)
        )
        what()
        self.done[what.__name__] += 1

    def live(self) -> list[str]:
        return self.project.tmux("list-sessions", "-F", "#{session_name}").split()

    def meet(self) -> None:
        name = self.chance.choice(STRANGERS)
        self.project.tmux("new-session", "-d", "-s", name, "sleep", "10000")

    def kill(self) -> None:
        if sessions := self.live():
            session = self.chance.choice(sessions)
            self.deaths[session] += 1
            self.project.tmux("kill-session", "-t", f"={session}")

    def rename(self) -> None:
        strangers = [session for session in self.live() if session.startswith("shop-")]
        free = [name for name in STRANGERS if name not in strangers]
        if strangers and free:
            session = self.chance.choice(strangers)
            self.deaths[session] += 1  # under that name it is gone
            self.project.tmux("rename-session", "-t", f"={session}", self.chance.choice(free))

    def clear(self) -> None:
        self.project.type(f"lab-creator-{self.chance.choice(['one', 'two'])}", "/clear")

    def say(self) -> None:
        self.project.type(f"lab-creator-{self.chance.choice(['one', 'two'])}", "hello")

    def apply(self) -> None:
        done = self.project.attempt("apply", "--auto-approve")
        assert done.returncode in {0, 3, 7}, done.stdout + done.stderr

    def restart_tmux(self) -> None:
        self.deaths.update(self.live())
        self.project.tmux("kill-server")
        if self.chance.random() < 0.7:
            self.apply()

    def restart_broker(self) -> None:
        self.lab.broker.stop()
        Event().wait(self.chance.random() * 2)
        self.lab.broker.start()


def test_the_registry_is_right_in_the_end_and_nothing_was_told_wrong_or_twice(project, tmp_path):
    with running(tmp_path) as broker:
        lab = Lab(project, broker)
        project.declare(**AGENTS)
        project.apply()
        user = User(lab, random.Random(SECONDS))  # noqa: S311 - only to be the same again
        process = project.start(
            "monitor", "--subscribe", "--idle-timeout", "0", "--interval", "10s", "--emit-diff", **_login(broker)
        )
        told: list[dict[str, Any]] = []
        try:
            _work(user, told, process)
            wait_until(lambda: _agree(project))
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=PATIENCE)
    told += [json.loads(line) for line in out.splitlines()]
    notices = [notice for each in told for notice in each["drifts"]]
    print(user.done, Counter(each["class"] for each in notices), err[-2000:])  # noqa: T201 - what the minutes were spent on
    assert process.returncode == 0
    assert _too_often(notices, user) == {}
    assert _twice(notices) == []


def _login(broker) -> dict[str, str]:
    names = {"MQTT_BROKER": "localhost", "MQTT_PORT": str(broker.port), "MQTT_TLS": "1"}
    return {
        **names,
        "MQTT_CA_CERTS": broker.path("ca.crt"),
        "MQTT_USERNAME": "hermes",
        "MQTT_PASSWORD": SECRETS["hermes"],
    }


def _work(user: User, told: list[dict[str, Any]], process) -> None:
    ends = monotonic() + SECONDS
    os.set_blocking(process.stdout.fileno(), False)
    rest = b""
    while monotonic() < ends:
        assert process.poll() is None, process.stderr.read()
        user.act()
        Event().wait(user.chance.random() * 2)
        with suppress(BlockingIOError):
            *lines, rest = (rest + (os.read(process.stdout.fileno(), 1 << 20))).split(b"\n")
            told += [json.loads(line) for line in lines]
    os.set_blocking(process.stdout.fileno(), True)


def _agree(project: Project) -> bool:
    """Whether exactly those rows say running whose session lives."""
    panes = project.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_dead}").splitlines()
    live = {pane.split()[0] for pane in panes if pane.endswith(" 0")}
    rows = project.recorded()["sessions"]
    return {name for name, row in rows.items() if row["status"] == "running"} == live


def _too_often(notices: list[dict[str, Any]], user: User) -> dict[str, int]:
    """The sessions that were said to be gone more often than they were."""
    said = Counter(each["session"] for each in notices if each["class"] == "A")
    return {session: count for session, count in said.items() if count > user.deaths[session]}


def _twice(notices: list[dict[str, Any]]) -> list[Any]:
    """What was told again without being counted."""
    counts = Counter((each["class"], each["session"], each["address"], each["count"]) for each in notices)
    return [key for key, count in counts.items() if count > 1]

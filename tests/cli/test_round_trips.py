"""Whatever was done since, an earlier generation comes back: every byte of every manifest, and every session."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from on_disk import OnDisk, project_in

from reconciler.model.address import agent_address
from reconciler.model.desired import RunState
from reconciler.plan.request import Request
from reconciler.state.generations import newest_first, numbers

SEEDS = range(50)
APPLIES = 3


class Left(NamedTuple):
    """How a generation was left when the next one began."""

    manifests: dict[str, bytes]
    sessions: dict[str, str]


class Author:
    """Somebody who edits manifests, talks to agents and stops them, as the dice fall."""

    def __init__(self, project: OnDisk, seed: int) -> None:
        self.project, self.dice = project, Random(seed)  # noqa: S311 - no secret
        self.homes: dict[str, dict[str, str]] = {}

    def edit(self) -> None:
        """Change one to three things in the manifests."""
        for _ in range(self.dice.randint(1, 3)):
            self.dice.choice([self._add, self._add, self._drop, self._change, self._forget_all])()
        for name, agents in self.homes.items():
            lines = [f"      {agent}: {{type: talker{rest}}}" for agent, rest in agents.items()]
            remark = f"# {self.dice.random()}\r\n" if self.dice.random() < 0.3 else ""
            block = "\n".join(["    agents:", *lines]) if lines else "    agents: {}"
            text = f"{remark}version: 1\nworkspaces:\n  {name}:\n    path: {name}\n{block}\n"
            self._file(name).write_bytes(text.encode() + b"\n" * self.dice.randint(0, 2))

    def live_on(self) -> None:
        """Between two applies, agents are talked to, stopped by hand, and given new conversations."""
        if self.dice.random() < 0.8:
            self.project.say_something()
        for session in sorted(self.project.live()):
            if self.dice.random() < 0.2:
                self._by_hand(session, RunState.STOPPED)
            elif self.dice.random() < 0.2 and self._has_spoken(session):
                self._by_hand(session, RunState.RUNNING, "never")
                self.project.say_something()

    def _add(self) -> None:
        home = self.homes.setdefault(f"w{self.dice.randint(1, 3)}", {})
        home.setdefault(f"a{self.dice.randint(1, 3)}", "")

    def _drop(self) -> None:
        for home in self._some_home():
            home.pop(self.dice.choice([*home, ""]), None)

    def _change(self) -> None:
        for home in self._some_home():
            rest = self.dice.choice(["", ", args: [--loud]", ", state: stopped", ", role: reviewer"])
            home |= {agent: rest for agent in home if self.dice.random() < 0.5}

    def _forget_all(self) -> None:
        name = self.dice.choice(["w1", "w2", "w3"])
        self._file(name).unlink(missing_ok=True)
        self.homes.pop(name, None)

    def _some_home(self) -> list[dict[str, str]]:
        return [self.homes[self.dice.choice(sorted(self.homes))]] if self.homes else []

    def _file(self, name: str) -> Path:
        return Path(self.project.root) / "manifests" / f"{name}.yaml"

    def _has_spoken(self, session: str) -> bool:
        return (Path(self.project.home) / "said" / self.project.live()[session]).exists()

    def _by_hand(self, session: str, state: RunState, conversation: str = "") -> None:
        workspace, _, agent = session.split("-")
        address = agent_address(workspace, agent)
        if agent not in self.homes.get(workspace, {}):
            return
        chosen = {address: conversation} if conversation else {}
        replaced = (address,) if conversation else ()
        states = {address: state}
        assert self.project.apply(Request(states=states, conversations=chosen, replace=replaced, reason="by hand")) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_every_byte_and_every_session_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # thousands of times, and no power cut is played here
    project = project_in(tmp_path)
    author = Author(project, seed)
    left: dict[int, Left] = {}
    for _ in range(APPLIES):
        author.edit()
        assert project.apply() == 0
        author.live_on()
        left[numbers(project.generations)[-1]] = Left(project.manifests(), project.live())
    for number in author.dice.sample(sorted(left), k=min(2, len(left))):
        unapplied = Path(project.root) / "manifests" / "extra.yaml"
        unapplied.write_text("version: 1\n# written in vain\n")
        if number == max(left):
            left[number] = Left(left[number].manifests, project.live())  # the newest goes on as it is
        assert project.rollback(number) == 0
        assert Left(project.manifests(), project.live()) == left[number]
        assert any("vain" in path.read_text() for path in Path(project.kept).glob("*/manifests/extra.yaml"))
        assert next(newest_first(project.generations)).operation == "rollback"
        left[numbers(project.generations)[-1]] = Left(project.manifests(), project.live())

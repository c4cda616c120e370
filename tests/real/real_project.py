"""A project whose one agent is a real CLI, and what can be seen of both."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from time import monotonic
from typing import Any

import pytest
from clis import KEY, Cli
from install import installed
from project import Project
from stub import ANSWER, Stub
from waiting import wait_until

from reconciler.agents.catalogue import BUILT_IN

AGENT = "lab-creator-it"
START_SECONDS = 60  # OpenCode installs a package at its first start
TURN_SECONDS = 30
QUIT_SECONDS = 30
ENTER_SECONDS = 2


@dataclass(frozen=True)
class RealProject(Project):
    """A project in the folder `root`, whose models are played by `model`."""

    model: Stub
    programs: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.model.url

    @property
    def env(self) -> dict[str, str]:
        node = str(Path(shutil.which("node") or "").parent)
        path = ":".join([*self.programs, node, "/usr/bin", "/bin"])
        return {**super().env, "PATH": path, "DUMMY_KEY": KEY}

    @property
    def folder(self) -> Path:
        return self.root / "lab"

    # --- what the user does ---

    def begin(self, cli: Cli) -> None:
        """Start `cli` as the one agent; the test is skipped where that version cannot run."""
        self.settle(cli)
        types = {} if cli.name in BUILT_IN else {cli.name: cli.declared}
        self.write({"lab": {"path": "lab", "agents": {"it": self.declaration(cli)}}}, agent_types=types)
        self.apply()
        try:
            self.wait_ready(cli)
        except AssertionError as error:
            pytest.skip(f"{cli} does not come up here: {error}")

    def settle(self, cli: Cli) -> None:
        """Install `cli`, with settings under which it asks nothing; the test is skipped where it cannot run."""
        self.programs.append(str(installed(cli.package, cli.version, cli.beside)))
        self._try(cli)
        self._settle_in(cli)

    def declaration(self, cli: Cli) -> dict[str, Any]:
        """The block of an agent that runs `cli`."""
        env = {name: self._filled(value) if isinstance(value, str) else value for name, value in cli.env.items()}
        return {"type": cli.name, "args": cli.args, "env": env}

    def wait_ready(self, cli: Cli) -> None:
        """Wait until the screen says that a prompt may be typed."""
        self._wait(lambda: bool(re.search(cli.ready, self.screen(AGENT))), START_SECONDS)

    def ask(self, cli: Cli, prompt: str) -> None:
        """Type `prompt`, and see it and an answer to it in what the CLI stores.

        An Enter right behind a text is taken for a part of it by some: it is pressed until it counts.
        """
        before = self.answers(cli)
        self.tmux("send-keys", "-t", f"={AGENT}:", "-l", prompt)
        enters = self.enters()
        self._wait(lambda: next(enters) and bool(self.places(cli, prompt)), TURN_SECONDS)
        self._wait(lambda: self.answers(cli) > before, TURN_SECONDS)
        self._wait(lambda: self.agent()["state"] == ("idle" if cli.name in BUILT_IN else "unknown"), TURN_SECONDS)

    def stop(self) -> None:
        """Stop the agent and see that its own quit word was enough: SIGTERM comes after that time only."""
        begun = monotonic()
        self.run("stop", AGENT, "--timeout", f"{QUIT_SECONDS}s")
        assert monotonic() - begun < QUIT_SECONDS, "it did not leave by its quit word"

    # --- what is really there ---

    def agent(self) -> dict[str, Any]:
        """The agent as `status` tells it."""
        return json.loads(self.run("status", "--json"))["agents"][0]

    def identity(self) -> str:
        """The agent's conversation, as the registry has it."""
        return self.recorded()["workspaces"]["lab"]["agent_identities"]["it"]["session_id"]

    def places(self, cli: Cli, prompt: str) -> list[str]:
        """Where the CLI stores a conversation that holds `prompt`."""
        return [place for place, text in cli.stored(self.home).items() if prompt in text]

    def answers(self, cli: Cli) -> int:
        """How often the model's answer is stored; Claude 2.1.197 may store one before its question."""
        return sum(text.count(ANSWER) for text in cli.stored(self.home).values())

    # --- how it is set up ---

    def _try(self, cli: Cli) -> None:
        command = [f"{self.programs[-1]}/{cli.name}", "--version"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=self.env, timeout=START_SECONDS)
        if done.returncode:
            pytest.skip(f"{cli} does not run here: {done.stderr.strip()[-300:]}")

    def _settle_in(self, cli: Cli) -> None:
        for path, text in cli.settings.items():
            file = self.home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._filled(text))

    def _filled(self, text: str) -> str:
        return Template(text).substitute(url=self.url, home=self.home, folder=self.folder, key_end=KEY[-20:])

    def _wait(self, predicate: Callable[[], bool], seconds: float) -> None:
        """Wait until it is true; what the agent shows and what is told of it is the reason when it never is."""
        try:
            wait_until(predicate, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.agent()}\n{self.screen(AGENT)}") from error

    def enters(self, *keys: str) -> Iterator[bool]:
        """Press Enter, or other keys, but no more often than a CLI may take to act on them."""
        pressed = monotonic()
        while True:
            if monotonic() - pressed > ENTER_SECONDS / 2:
                self.tmux("send-keys", "-t", f"={AGENT}:", *(keys or ["Enter"]))
                pressed = monotonic() + ENTER_SECONDS / 2
            yield True

"""One tmux server with stand-in agents on it, side by side, and what each of them was told."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fakes.brokers import FakeBrokers
from msgspec.structs import replace
from waiting import wait_until

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.agent_state import Recipient, observe_agent, refusal
from reconciler.jobs.deliver import DeliveryTimeouts, deliver
from reconciler.model.delivery import Delivery
from reconciler.model.desired import Socket
from reconciler.model.observed import Present
from reconciler.model.snapshot import Pane
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import NewSession, RealTmux
from reconciler.ports.world import World

BIN = Path(__file__).parents[1] / "standin" / "bin"
PROFILES = catalogue([])
ID = "b3a7c0de-1111-4222-8333-444455556666"
QUICK = DeliveryTimeouts(steady=0, shown=10, swallowed=2, proof=10)
ARGUMENTS = {
    "claude": ("--session-id", ID),
    "codex": ("--no-daemon",),
    "gemini": ("--session-id", ID),
    "qwen": ("--session-id", ID),
    "copilot": ("--session-id", ID),
    "pi": ("--session-id", ID),
}
PROMPTED = {"gemini": ("-i",), "opencode": ("--prompt",), "kilo": ("--prompt",), "copilot": ("-i",)}


@dataclass
class Agent:
    """A stand-in in a pane of its own, with a home of its own."""

    stage: Stage
    to: Recipient

    def deliver(self, text: str, patience: DeliveryTimeouts = QUICK) -> Delivery:
        return deliver(text, self.to, self.stage.world, patience)

    def is_free(self) -> bool:
        return self.refusal() is None

    def refusal(self) -> Delivery | None:
        return refusal(observe_agent(self.to, self.stage.world), self.to.profile)

    def keys(self, *keys: str) -> None:
        self.stage.tmux("send-keys", "-t", self.to.pane.pane_id, *keys)

    def screen(self) -> str:
        return self.stage.world.tmux.screen(self.to.pane.pane_id, 60)

    def said(self) -> list[str]:
        """All texts in all conversations of its home, in order."""
        files = sorted(Path(self.to.subject.home).rglob("*.jsonl"))
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.endswith("}")]
        rows = [json.loads(row) for file in Path(self.to.subject.home).rglob("*.db") for (row,) in _parts(file)]
        return [without_marks(text) for line in [*lines, *rows] for text in _texts(line)]

    def pid(self) -> int:
        """The process that plays, below its launcher where it has one."""
        return self.stage.world.processes.family(self.to.pane.pid)[-1]


class Stage:
    """The server, and a folder for everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = Socket(path=str(folder / "t"))
        path = f"{BIN}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "HOME": str(folder), "SHELL": "/bin/sh"}
        tmux = RealTmux(self.socket, environment)
        self.world = World(tmux, RealProcesses(), RealFiles(), RealClock(), FakeBrokers())

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", self.socket.path, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def agent(self, name: str, cli: str, first: str = "", **env: str) -> Agent:
        """A stand-in for `cli`; what it does first is up to the prompt and the environment."""
        prompt = (*PROMPTED.get(cli, ()), first) if first else ()
        return self.program(name, cli, (str(BIN / cli), *ARGUMENTS.get(cli, ()), *prompt), **env)

    def program(self, name: str, cli: str, argv: tuple[str, ...], **env: str) -> Agent:
        """Whatever program, in a pane where the profile of `cli` is expected."""
        home, cwd = self.folder / name / "home", self.folder / name / "work"
        home.mkdir(parents=True)
        cwd.mkdir()
        [pane] = self.world.tmux.start([NewSession(name, str(cwd), argv, env={"HOME": str(home), **env})])
        assert isinstance(pane, Pane), pane
        subject = AgentEnvironment(os.path.realpath(cwd), str(home), {"HOME": str(home)})
        conversation = ID if ID in argv else ""
        return Agent(self, Recipient(pane, PROFILES[cli], subject, conversation, str(self.folder / name / "handed")))

    def pane(self, agent: Agent) -> Pane:
        state = self.world.tmux.look()
        assert isinstance(state, Present), state
        return next(pane for pane in state.value.panes if pane.pane_id == agent.to.pane.pane_id)


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage whose server, and so every agent, ends with it."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        stage = Stage(Path(folder))
        yield stage
        subprocess.run(["tmux", "-S", stage.socket.path, "kill-server"], capture_output=True, check=False)


def side_by_side(do: Callable[..., object], *rows: tuple[object, ...]) -> list[object]:
    """`do` with each row, all at the same time."""
    with ThreadPoolExecutor(len(rows)) as pool:
        return [each.result() for each in [pool.submit(do, *row) for row in rows]]


def until_free(agent: Agent) -> Agent:
    try:
        wait_until(agent.is_free)
    except AssertionError as error:
        raise AssertionError(f"{agent.refusal()}\n{agent.screen()}") from error
    return agent


def until_refused(agent: Agent, verdict: str) -> Agent:
    wait_until(lambda: (found := agent.refusal()) and found.verdict == verdict)
    return agent


def impatient(patience: DeliveryTimeouts = QUICK) -> DeliveryTimeouts:
    return replace(patience, shown=1, swallowed=0.3, proof=0.5)


def _parts(database: Path) -> list[tuple[str]]:
    """What OpenCode's messages consist of; none in any other database."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return opened.execute("SELECT data FROM part ORDER BY time_created").fetchall()
    return []


def without_marks(text: str) -> str:
    """What Claude stores of a paste that it shows collapsed, as it was pasted."""
    found = re.fullmatch(r'\s*<(pasted_content id="\w+")>\n(.*)\n</\1>\s*', text, re.DOTALL)
    return found[2] if found else text


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from (text for inner in value.values() for text in _texts(inner))
        case list():
            yield from (text for inner in value for text in _texts(inner))

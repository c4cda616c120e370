"""A server of the page over a lab of stand-ins."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2 as httpx
from project import CLI, SECONDS, Project
from waiting import wait_until


class WebServer:
    """A server that runs, and what it printed."""

    def __init__(self, process: subprocess.Popen[str], said: list[str]) -> None:
        self.process, self.said = process, said
        self.clients: list[httpx.Client] = []

    @property
    def address(self) -> str:
        return re.search(r"(https?://[\w.:\[\]-]+)", "".join(self.said))[1]

    @property
    def link(self) -> str:
        return re.search(r"http://\S+token=\S+", "".join(self.said))[0]

    def client(self, base: str = "", **options: object) -> httpx.Client:
        """A browser that knows nothing yet; it is closed with the server."""
        made = httpx.Client(base_url=base or self.address, timeout=SECONDS, **options)
        self.clients.append(made)
        return made

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(SECONDS) == 130


@contextmanager
def serving(project: Project, *words: str, port: int = 0, outside: bool = False) -> Iterator[WebServer]:
    """A server of this project; `outside` starts it in no project, for all that are noted."""
    bound = () if "--bind" in words else ("--bind", f"127.0.0.1:{port}")
    process = subprocess.Popen(
        [*CLI, "web", *bound, *words], cwd="/" if outside else project.root, env=project.env, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    server = WebServer(process, [])
    try:
        assert process.stdout
        for line in process.stdout:
            server.said.append(line)
            if "Ctrl-C" in line:
                break
        assert process.poll() is None, server.said
        yield server
    finally:
        for client in server.clients:
            client.close()
        process.kill()
        process.wait()
        process.stdout.close()


def made_beside(lab: Project, name: str) -> Project:
    """Another project of the same user, on a tmux server of its own, whose one agent has the address of one there."""
    root = lab.home / name
    root.mkdir()
    made = Project(root, lab.home, lab.home / f"t-{name}")
    made.write({"shop": {"path": "shop", "agents": {"writer": {"type": "claude", "prompt": "ask"}}}})
    made.apply()
    return made


@contextmanager
def made_lab() -> Iterator[Project]:
    """Two agents that ask, and one that rests."""
    with tempfile.TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        root = Path(folder) / "project"
        root.mkdir()
        project = Project(root, Path(folder), Path(folder) / "t")
        asks, rests = {"type": "claude", "prompt": "ask"}, {"type": "claude", "prompt": "hello"}
        agents = {"builder": asks, "tester": asks, "writer": rests}
        project.write({"shop": {"path": "shop", "agents": agents}})
        project.apply()
        try:
            yield project
        finally:
            project.tmux("kill-server")
            for pid in project.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not project.processes())

"""Run one script on a host over plain ssh: one shared connection each for five minutes; nothing asks for a password."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct

from reconciler.model.errors import ReconcilerError, Unreachable
from reconciler.model.observed import Present
from reconciler.ports import programs
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses

from .hosts import FleetHost

AT_ONCE = 16
SECONDS = 10.0  # to connect, and for one status
SSH_FAILED, NOT_FOUND = 255, 127
T = TypeVar("T")


class SshAnswer(Struct, frozen=True):
    """What a script printed on a host. `lost` says why there is no answer; empty if there is one."""

    code: int = SSH_FAILED
    output: str = ""
    complaints: str = ""
    seconds: float = 0.0
    lost: str = ""


class Ssh(Struct, frozen=True):
    """The ssh of this machine, and the folder of its shared connections."""

    program: str
    sockets: str
    env: Mapping[str, str]
    seconds: float = SECONDS
    """The longest time for one script."""

    def run(self, host: FleetHost, script: str, given: bytes = b"") -> SshAnswer:
        """Run a script of `sh` on a host, with the input `given`."""
        clock = RealClock()
        begun = clock.monotonic()
        words = [*self.words(host), "--", host.address, f"sh -c {shlex.quote(script)}"]
        try:
            done = programs.run(words, self.env, given=given, seconds=self.seconds)
        except ReconcilerError:
            return SshAnswer(seconds=clock.monotonic() - begun, lost="it did not answer in time")
        took = clock.monotonic() - begun
        lost = last_line(done.complaints) or "ssh failed" if done.code == SSH_FAILED else ""
        return SshAnswer(done.code, done.output, done.complaints, took, lost)

    def with_terminal(self, host: FleetHost, script: str) -> list[str]:
        """The command line that gives a terminal to a script on a host."""
        return [*self.words(host), "-t", "--", host.address, f"sh -c {shlex.quote(script)}"]

    def words(self, host: FleetHost) -> list[str]:
        """The command line of ssh up to the host."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(int(SECONDS)),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "4",
            "ControlMaster": "auto",
            "ControlPath": f"{self.sockets}/%C",
            "ControlPersist": "300",
        }
        shared = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        who = [*(["-l", host.user] if host.user else []), *(["-p", str(host.port)] if host.port else [])]
        return [self.program, *shared, *who]


def ssh_here(env: Mapping[str, str], seconds: float = SECONDS) -> Ssh:
    """The ssh of this machine. Raises Unreachable if there is none."""
    folder = os.path.join(env.get("HOME") or os.path.expanduser("~"), ".cache", "reconciler", "ssh")
    os.makedirs(folder, 0o700, exist_ok=True)  # only this user can enter it
    return Ssh(needed("ssh", "openssh-client", env), folder, env, seconds)


def needed(program: str, package: str, env: Mapping[str, str]) -> str:
    """The path of a program of this machine. Raises Unreachable if it is not installed."""
    match RealProcesses().find(program, env.get("PATH", os.defpath)):
        case Present(path):
            return path
        case _:
            raise Unreachable(f"{program} is not installed", fix=f"install {package}")


def on_each(hosts: Sequence[FleetHost], work: Callable[[FleetHost], T], at_once: int = AT_ONCE) -> list[T]:
    """The result of `work` for each host, in their order, for several hosts at a time."""
    with ThreadPoolExecutor(max_workers=at_once) as workers:
        return list(workers.map(work, hosts))


def quoted_folder(folder: str) -> str:
    """The folder as one word of a shell, which expands a leading `~/`."""
    if folder == "~":
        return '"$HOME"'
    return f'"$HOME"/{shlex.quote(folder[2:])}' if folder.startswith("~/") else shlex.quote(folder)


def last_line(text: str) -> str:
    """The last line that is not empty: where ssh says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def first_line(text: str) -> str:
    """The first line that is not empty: where reconciler says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].removeprefix("Error: ") if lines else ""

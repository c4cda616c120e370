"""Ask hosts for their status over plain ssh: several at a time, one shared connection each for five minutes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from reconciler.model.errors import ReconcilerError, Unreachable
from reconciler.model.observed import Present
from reconciler.ports import programs
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses

from .hosts import FleetHost, HostOutcome
from .results import LARGEST

AT_ONCE = 16
SECONDS = 10.0  # for one host
_SSH_FAILED, _NOT_FOUND = 255, 127


class HostStatus(Struct, frozen=True):
    """The status of one host; `document` is None if it gave none, and `seconds` is how long it took."""

    host: str
    outcome: HostOutcome
    exit_code: int | None = None
    said: str = ""
    seconds: float = 0.0
    document: Mapping[str, Any] | None = None


def statuses(hosts: Sequence[FleetHost], env: Mapping[str, str]) -> list[HostStatus]:
    """The status of each host, in their order. A host that does not answer is unreachable; nothing is raised for it.

    Raises:
        Unreachable: There is no ssh here.
    """
    match RealProcesses().find("ssh", env.get("PATH", os.defpath)):
        case Present(ssh):
            pass
        case _:
            raise Unreachable("ssh is not installed", fix="install openssh-client")
    sockets = _socket_folder(env)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as workers:
        return list(workers.map(partial(_status, ssh=ssh, sockets=sockets, env=env), hosts))


def _socket_folder(env: Mapping[str, str]) -> str:
    """The folder of the shared connections; only this user can enter it."""
    folder = os.path.join(env.get("HOME") or os.path.expanduser("~"), ".cache", "reconciler", "ssh")
    os.makedirs(folder, 0o700, exist_ok=True)
    return folder


def _status(host: FleetHost, *, ssh: str, sockets: str, env: Mapping[str, str]) -> HostStatus:
    clock = RealClock()
    begun = clock.monotonic()
    try:
        done = programs.run(_words(host, ssh, sockets), env, seconds=SECONDS)
    except ReconcilerError:
        return HostStatus(
            host.name, HostOutcome.UNREACHABLE, said="it did not answer in time", seconds=clock.monotonic() - begun
        )
    took = clock.monotonic() - begun
    if done.code == _SSH_FAILED:
        return HostStatus(host.name, HostOutcome.UNREACHABLE, said=_last_line(done.complaints), seconds=took)
    return _read(host.name, done, took)


def _words(host: FleetHost, ssh: str, sockets: str) -> list[str]:
    """The command line of ssh. The remote command goes through the remote shell, so each part of it is quoted."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(int(SECONDS)),
        "ControlMaster": "auto",
        "ControlPath": f"{sockets}/%C",
        "ControlPersist": "300",
    }
    shared = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    who = [*(["-l", host.user] if host.user else []), *(["-p", str(host.port)] if host.port else [])]
    return [ssh, *shared, *who, "--", host.address, f"sh -c {shlex.quote(_script(host))}"]


def _script(host: FleetHost) -> str:
    """What runs on the host. The PATH over ssh is not that of a login, so the usual place of the program is added."""
    program = shlex.quote(host.executable or "reconciler")
    return f'PATH="$HOME/.local/bin:$PATH" exec {program} -C {_quoted_folder(host.project)} status --json'


def _quoted_folder(folder: str) -> str:
    """The folder as one word of a shell, which expands a leading `~/`."""
    if folder == "~":
        return '"$HOME"'
    return f'"$HOME"/{shlex.quote(folder[2:])}' if folder.startswith("~/") else shlex.quote(folder)


def _read(host: str, done: programs.ProgramResult, took: float) -> HostStatus:
    text = done.output.strip()
    if len(text) > LARGEST:
        return HostStatus(host, HostOutcome.UNKNOWN, done.code, "its document is too large", took)
    if not text.startswith("{"):
        return HostStatus(host, HostOutcome.FAILED, done.code, _no_document(done, text), took)
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return HostStatus(host, HostOutcome.UNKNOWN, done.code, "its document cannot be read", took)
    version = str(document.get("format_version", ""))
    if version.partition(".")[0] != "1":
        return HostStatus(
            host, HostOutcome.FAILED, done.code, f"its reconciler has format {version}, this one reads 1", took
        )
    outcome = {0: HostOutcome.OK, 7: HostOutcome.REFUSED}.get(done.code, HostOutcome.FAILED)
    return HostStatus(host, outcome, done.code, _why(document, done), took, document)


def _no_document(done: programs.ProgramResult, text: str) -> str:
    if done.code == _NOT_FOUND:
        return "there is no reconciler"
    if text:
        return f"the host printed something before the document: {text[:200]}"
    return _last_line(done.complaints) or f"reconciler exited with {done.code}"


def _why(document: Mapping[str, Any], done: programs.ProgramResult) -> str:
    """Why the host could not be looked at completely; empty if it could."""
    if not done.code:
        return ""
    said = document.get("diagnostics")
    worst = (
        [each for each in said if isinstance(each, dict) and each.get("severity") != "warning"]
        if isinstance(said, list)
        else []
    )
    return str(worst[0].get("summary", "")) if worst else _last_line(done.complaints)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""

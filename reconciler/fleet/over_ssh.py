"""Ask hosts for a document of their reconciler over plain ssh."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from .hosts import FleetHost, HostOutcome
from .results import LARGEST
from .ssh import AT_ONCE, NOT_FOUND, Ssh, SshAnswer, first_line, on_each, quoted_folder


class HostStatus(Struct, frozen=True):
    """What one host answered; `document` is None if it gave none, and `seconds` is how long it took."""

    host: str
    outcome: HostOutcome
    exit_code: int | None = None
    said: str = ""
    seconds: float = 0.0
    document: Mapping[str, Any] | None = None


def statuses(hosts: Sequence[FleetHost], ssh: Ssh, at_once: int = AT_ONCE) -> list[HostStatus]:
    """The status of each host, in their order. A host that does not answer is unreachable; nothing is raised for it."""
    return on_each(hosts, partial(ask, ssh=ssh, words=("status", "--json")), at_once)


def ask(host: FleetHost, ssh: Ssh, words: Sequence[str]) -> HostStatus:
    """The document that a command of reconciler prints on a host. Nothing is raised if it prints none."""
    answer = ssh.run(host, script_of(host, words))
    if answer.lost:
        return HostStatus(host.name, HostOutcome.UNREACHABLE, said=answer.lost, seconds=answer.seconds)
    return _read(host.name, answer)


def script_of(host: FleetHost, words: Sequence[str]) -> str:
    """The script that runs reconciler with these words in the project of the host.

    The PATH over ssh is not that of a login, so the usual place of the program is added.
    """
    program = quoted_folder(host.executable or "reconciler")
    return f'PATH="$HOME/.local/bin:$PATH" exec {program} -C {quoted_folder(host.project)} {shlex.join(words)}'


def _read(host: str, done: SshAnswer) -> HostStatus:
    text = done.output.strip()
    if len(text) > LARGEST:
        return HostStatus(host, HostOutcome.UNKNOWN, done.code, "its document is too large", done.seconds)
    if not text.startswith("{"):
        return HostStatus(host, HostOutcome.FAILED, done.code, _no_document(done, text), done.seconds)
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return HostStatus(host, HostOutcome.UNKNOWN, done.code, "its document cannot be read", done.seconds)
    version = str(document.get("format_version", ""))
    if version.partition(".")[0] != "1":
        return HostStatus(
            host, HostOutcome.FAILED, done.code, f"its reconciler has format {version}, this one reads 1", done.seconds
        )
    outcome = {0: HostOutcome.OK, 7: HostOutcome.REFUSED}.get(done.code, HostOutcome.FAILED)
    return HostStatus(host, outcome, done.code, _why(document, done), done.seconds, document)


def _no_document(done: SshAnswer, text: str) -> str:
    if done.code == NOT_FOUND:
        return "there is no reconciler"
    if text:
        return f"the host printed something before the document: {text[:200]}"
    return first_line(done.complaints) or f"reconciler exited with {done.code}"


def _why(document: Mapping[str, Any], done: SshAnswer) -> str:
    """Why the host could not be looked at completely; empty if it could."""
    if not done.code:
        return ""
    said = document.get("diagnostics")
    worst = (
        [each for each in said if isinstance(each, dict) and each.get("severity") != "warning"]
        if isinstance(said, list)
        else []
    )
    return str(worst[0].get("summary", "")) if worst else first_line(done.complaints)

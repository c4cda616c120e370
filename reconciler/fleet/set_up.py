"""Run plays of other modules than ours on hosts, and tell for each host how the last task ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from reconciler.model.errors import UsageError

from .hosts import FleetHost, HostOutcome, HostWork
from .play import Play, Told, run_play


class _TaskLine(Struct):
    """One line of the callback about one task."""

    host: str
    event: str
    task: str = ""
    msg: str = ""
    said: str = ""
    changed: bool = False


_LINES = msgspec.json.Decoder(_TaskLine)


def set_up(
    inventory: str, hosts: Sequence[FleetHost], wanted: Play, last: str, env: Mapping[str, str]
) -> list[HostWork]:
    """Run the play; `last` is the name of its last task, which every host must have ended.

    Raises:
        UsageError: Ansible refuses the play before it reaches a host.
    """
    told = run_play(inventory, hosts, wanted, env)
    found = work_of([each.name for each in hosts], told, last)
    if not told.lines and not told.interrupted:
        raise UsageError("Ansible began on no host", detail=told.said)
    if told.interrupted:
        raise KeyboardInterrupt
    return found


def work_of(hosts: Sequence[str], told: Told, last: str) -> list[HostWork]:
    """What became of each host. One that did not end the last task, and says no reason, is unknown."""
    by_host: dict[str, list[_TaskLine]] = defaultdict(list)
    for line in _read(told.lines):
        by_host[line.host].append(line)
    return [_work(host, by_host[host], last) for host in hosts]


def _read(lines: Iterable[bytes]) -> Iterable[_TaskLine]:
    for text in lines:
        try:
            line = _LINES.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if line.event != "begun":
            yield line


def _work(host: str, lines: Sequence[_TaskLine], last: str) -> HostWork:
    changed = any(each.changed for each in lines)
    if not lines:
        return HostWork(host, HostOutcome.UNKNOWN, "nothing was heard of it")
    end = lines[-1]
    if end.event == "unreachable":
        return HostWork(host, HostOutcome.UNREACHABLE, end.msg, changed=changed)
    failed = next((each for each in lines if each.event == "failed"), None)  # tasks that clear up may follow
    if failed:
        plain = failed.msg in {"", "non-zero return code"}
        return HostWork(host, HostOutcome.FAILED, failed.said if plain else failed.msg, changed=changed)
    if end.task.rpartition(" : ")[2] != last:
        return HostWork(host, HostOutcome.UNKNOWN, f"it ended after: {end.task}", changed=changed)
    return HostWork(host, HostOutcome.OK, changed=changed)

"""Plan, compare and apply on many hosts: what Ansible runs, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from reconciler.model.errors import Refused, UsageError

from .hosts import FleetHost, HostOutcome, HostResult
from .merge import groups
from .play import PlayResult, Task, play


class Fleet(Struct, frozen=True):
    """The hosts of one command, and how they are reached."""

    inventory: str
    hosts: Sequence[FleetHost]
    env: Mapping[str, str]
    forks: int = 16
    seconds: float = 300.0


class FleetApply(Struct, frozen=True):
    """How an apply goes through the hosts. `serial` is a number of hosts, or a share such as `25%`; empty for all."""

    canary: int = 0
    serial: str = ""
    max_fail: int = 0
    """The percentage of a batch that may fail before the rest is left alone."""
    max_destroy_total: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def look(fleet: Fleet, do: str, options: Mapping[str, Any] | None = None) -> PlayResult:
    """Plan or compare on all hosts. Nothing is changed."""
    return play(fleet.inventory, fleet.hosts, _task(fleet, do, options or {}), fleet.env)


def _task(fleet: Fleet, do: str, options: Mapping[str, Any], expect: Mapping[str, str] | None = None) -> Task:
    return Task(do, options, expect or {}, forks=fleet.forks, seconds=fleet.seconds)


def expect_allowed(shown: Sequence[HostResult], how: FleetApply) -> None:
    """Raise Refused if the plans together would end more agents than allowed."""
    total = sum(each.summary.get("destroy", 0) for each in shown if each.is_fine)
    if how.max_destroy_total is not None and total > how.max_destroy_total:
        fix = f"look at the plan, then pass --max-destroy-total {total}"
        raise Refused(f"{total} resources would be destroyed on all hosts together", fix=fix)


def apply_shown(
    fleet: Fleet, shown: Sequence[HostResult], how: FleetApply, tell: Callable[[str], object]
) -> PlayResult:
    """Carry out on each host the plan that was shown for it; `tell` hears of each batch.

    Hosts in sync are left alone. After a batch with too many failures, or a canary that is not as wanted, the rest is
    not begun.
    """
    todo = [each for each in shown if each.is_fine and each.pending]
    expect = {each.host: each.digest for each in todo}
    results = {each.host: each for each in shown if not each.is_fine or not each.pending}
    still = [each.host for each in todo]
    for batch, is_canary in _batches(todo, how):
        tell(f"{'Canary' if is_canary else 'Batch'}: {', '.join(batch)}")
        task = _task(fleet, "apply", how.options, {name: f"sha256:{expect[name]}" for name in batch})
        part = play(fleet.inventory, _named(fleet, batch), task, fleet.env)
        results |= {each.host: each for each in part.results}
        still = [name for name in still if name not in batch or name in part.not_begun]
        if part.interrupted or _failed_too_much(part.results, 0 if is_canary else how.max_fail):
            return PlayResult(list(results.values()), still, part.interrupted)
        if is_canary and (drifting := _drift_of(fleet, batch)):
            results |= {each.host: each for each in drifting}
            return PlayResult(list(results.values()), still)
    return PlayResult(list(results.values()), still)


def _drift_of(fleet: Fleet, canaries: Sequence[str]) -> list[HostResult]:
    """The canaries that are not as wanted after their apply."""
    looked = play(fleet.inventory, _named(fleet, canaries), _task(fleet, "drift", {}), fleet.env)
    return [_as_failed(each) for each in looked.results if not each.is_fine or each.pending]


def _as_failed(result: HostResult) -> HostResult:
    if not result.is_fine:
        return result
    return HostResult(result.host, HostOutcome.FAILED, result.exit_code, "it drifts after the apply", changed=True)


def _named(fleet: Fleet, names: Sequence[str]) -> list[FleetHost]:
    return [each for each in fleet.hosts if each.name in set(names)]


def _failed_too_much(results: Sequence[HostResult], percent: int) -> bool:
    failed = sum(not each.is_fine for each in results)
    return failed * 100 > percent * len(results)


def _batches(todo: Sequence[HostResult], how: FleetApply) -> Iterator[tuple[list[str], bool]]:
    """The names of each batch, and whether it is the canary: hosts of the biggest group."""
    ordered = [each.host for group in groups(todo) for each in group.results]
    canaries = [each.host for each in groups(todo)[0].results][: how.canary] if todo and how.canary else []
    if canaries:
        yield canaries, True
    rest = [name for name in ordered if name not in set(canaries)]
    size = batch_size(how.serial, len(rest))
    for start in range(0, len(rest), size):
        yield rest[start : start + size], False


def batch_size(serial: str, count: int) -> int:
    """How many hosts a batch has, at least one. Raises UsageError for a text that is neither `N` nor `N%`."""
    digits = serial.removesuffix("%")
    if not serial:
        return max(1, count)
    if not (digits.isascii() and digits.isdecimal() and int(digits)):
        raise UsageError(f"{serial!r} is not a number of hosts", fix="write it as 10, or 25%")
    return max(1, count * int(digits) // 100 if serial.endswith("%") else int(digits))

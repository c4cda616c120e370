"""The checkups of many hosts as one table, with what is wrong below it; and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.model.checkup import Level
from reconciler.model.harmless import one_line
from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.table import table

from .doctor import HostCheck, HostCheckup

if TYPE_CHECKING:
    from reconciler.render.documents.fleet_doctor import FleetDoctorDoc, HostCheckDoc

_SHOWN = ("reachable", "login", "python", "tmux", "git", "reconciler")


def fleet_doctor_document(found: Sequence[HostCheckup]) -> FleetDoctorDoc:
    """The document of `fleet doctor --json`."""
    hosts = [
        {"host": each.host, "outcome": each.outcome.value, "path": each.path, "checks": [*map(_check, each.checks)]}
        for each in found
    ]
    return {"format_version": FORMAT_VERSION, "hosts": hosts}  # type: ignore[typeddict-item] # the same keys


def _check(check: HostCheck) -> HostCheckDoc:
    return {"check": check.check, "level": check.level.value, "summary": check.summary, "fix": check.fix}


def fleet_doctor_text(found: Sequence[HostCheckup], host: str = "") -> Iterator[str]:
    """One line for each host, then what is not fine; with `host`, every check of that one."""
    if host:
        one = next(each for each in found if each.host == host)
        yield from table([["CHECK", "LEVEL", "FOUND"], *([c.check, c.level.value, c.summary] for c in one.checks)])
        yield from _fixes(one)
        return
    rows = [[each.host, each.outcome.value, *(each.level(name) for name in _SHOWN), _broker(each)] for each in found]
    yield from table([["HOST", "OUTCOME", *map(str.upper, _SHOWN), "BROKER"], *rows])
    for each in found:
        yield from _wrong(each)


def _broker(found: HostCheckup) -> str:
    word = found.level("broker")
    return "ok" if word not in {"-", *(level.value for level in Level)} else word


def _wrong(found: HostCheckup) -> Iterator[str]:
    for each in found.checks:
        if each.level is not Level.OK and each.level is not Level.NOTE:
            yield f"{found.host}: {each.level.value}: {each.check}: {one_line(each.summary)}"
            yield from _fix(each)


def _fixes(found: HostCheckup) -> Iterator[str]:
    for each in found.checks:
        yield from _fix(each) if each.level is not Level.OK else ()


def _fix(check: HostCheck) -> Iterator[str]:
    if check.fix:
        yield f"  -> {one_line(check.fix)}"

"""Do what checks offer to `--fix`. Nothing that runs is ended, and nothing that anyone needs is deleted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial

from reconciler.app.agents.reconnect import reconnect_to
from reconciler.app.project.project import Project
from reconciler.model.checkup import CheckResult, Cure, Mended
from reconciler.model.errors import ReconcilerError
from reconciler.model.snapshot import UnreachableServer
from reconciler.ports import own_files
from reconciler.state.lock import hold

from .facts import MachineFacts


def mend(at: Project, facts: MachineFacts, checks: Sequence[CheckResult]) -> tuple[Mended, ...]:
    """Do everything that the checks of these facts offer, under the project's lock.

    One failure does not keep the others from being tried. If the lock is held, nothing is done.
    """
    offered = [check for check in checks if check.cure]
    if not offered:
        return ()
    cures = {check.cure: check for check in offered if check.cure}
    # without its folder there is no lock, and a diagnosis does not begin a project
    holding = hold(at.lock, "doctor --fix") if os.path.isdir(at.state) else nullcontext()
    try:
        with holding:
            return tuple(_each(at, facts, cures.values()))
    except ReconcilerError as error:
        return tuple(_failed(cure, check.summary, error) for cure, check in cures.items())


def _each(at: Project, facts: MachineFacts, offered: Iterable[CheckResult]) -> Iterator[Mended]:
    ways: dict[Cure, Callable[[CheckResult], str]] = {
        Cure.LOCK: lambda _check: "released the lock of a killed command",  # taking the lock took it over
        Cure.RECONNECT: partial(_reconnect, at, facts),
        Cure.SESSIONS: partial(_end_leftovers, at, facts),
        Cure.FILES: partial(_remove_files, at),
        Cure.MODES: _tighten,
    }
    for check in offered:
        if check.cure:
            yield _tried(check, check.cure, ways[check.cure])


def _tried(check: CheckResult, cure: Cure, way: Callable[[CheckResult], str]) -> Mended:
    try:
        return Mended(cure, way(check), done=True)
    except ReconcilerError as error:
        return _failed(cure, check.summary, error)
    except OSError as error:
        return _failed(cure, check.summary, ReconcilerError(f"{error.filename}: {error.strerror}"))


def _failed(cure: Cure, summary: str, error: ReconcilerError) -> Mended:
    detail = ": ".join(filter(None, (error.summary, error.detail)))
    return Mended(cure, summary, done=False, detail=detail, exit_code=error.exit_code)


def _reconnect(at: Project, facts: MachineFacts, _check: CheckResult) -> str:
    hidden = facts.tmux.server
    if not isinstance(hidden, UnreachableServer):
        return "the tmux server answers"
    found = reconnect_to(hidden, at.world(facts.project.desired.socket))
    return f"tmux server {found.pid} made its socket {found.socket} again"


def _end_leftovers(at: Project, facts: MachineFacts, check: CheckResult) -> str:
    if not at.world(facts.project.desired.socket).tmux.tidy():
        raise ReconcilerError("they could not be ended", detail=check.detail)
    return f"ended what killed commands left: {check.detail}"


def _remove_files(at: Project, check: CheckResult) -> str:
    at.clear_up()
    return f"removed what killed commands left: {check.detail}"


def _tighten(check: CheckResult) -> str:
    for path in check.paths:
        with suppress(FileNotFoundError):  # an unfinished file that was removed a moment ago
            own_files.restrict(path)
    return f"made readable by you alone: {check.detail}"

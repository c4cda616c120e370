"""Do what checks offer to `--fix`. Nothing that runs is ended, and nothing that anyone needs is deleted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial

from reconciler.app.agents.reconnect import reconnect
from reconciler.app.project.project import Project
from reconciler.model.checkup import CheckResult, Cure, Mended
from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError
from reconciler.ports import own_files
from reconciler.ports.tmux import RealTmux
from reconciler.state.lock import hold


def mend(at: Project, socket: Socket, checks: Sequence[CheckResult]) -> tuple[Mended, ...]:
    """Do everything that the checks offer, under the project's lock; `socket` is that of the project's tmux server.

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
            return tuple(_each(at, socket, cures.values()))
    except ReconcilerError as error:
        return tuple(_failed(cure, check.summary, error) for cure, check in cures.items())


def _each(at: Project, socket: Socket, offered: Iterable[CheckResult]) -> Iterator[Mended]:
    ways: dict[Cure, Callable[[CheckResult], str]] = {
        Cure.LOCK: lambda _check: "released the lock of a killed command",  # taking the lock took it over
        Cure.RECONNECT: partial(_reconnect, at),
        Cure.SESSIONS: partial(_end_leftovers, at, socket),
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


def _reconnect(at: Project, _check: CheckResult) -> str:
    found = reconnect(at)
    return f"tmux server {found.pid} made its socket {found.socket} again" if found else "the tmux server answers"


def _end_leftovers(at: Project, socket: Socket, check: CheckResult) -> str:
    if not RealTmux(at.socket(socket), at.env).tidy():
        raise ReconcilerError("they could not be ended", detail=check.detail)
    return f"ended what killed commands left: {check.detail}"


def _remove_files(at: Project, check: CheckResult) -> str:
    at.clear_up()
    return f"removed what killed commands left: {check.detail}"


def _tighten(check: CheckResult) -> str:
    for path in check.paths:
        own_files.restrict(path)
    return f"made readable by you alone: {check.detail}"

"""An apply that is rolled back unless it is confirmed: its watchdog, and which commands may run meanwhile.

The watchdog starts before the work begins, so that it survives whatever the work does to this terminal.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.project.project import Project
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.generation import Confirmation, Generation
from reconciler.model.moment import to_second
from reconciler.model.observed import Present
from reconciler.plan.request import Request
from reconciler.ports import detached, lockfile
from reconciler.state import confirmation as state
from reconciler.state import generations


def require_earlier_generation(at: Project) -> None:
    """Raise Refused unless there is a generation to roll back to."""
    if next(generations.newest_first(at.generations), None) is None:
        raise Refused("there is no earlier generation to roll back to", fix="apply once without --confirm-within")


def refuse_meanwhile(at: Project, request: Request) -> None:
    """Raise Refused for any request but a rollback while an apply waits for its confirmation."""
    if request.goes_back or not request.follows_manifests:
        return
    for said in state.describe_waiting(at.waiting):
        raise Refused(said.summary, detail=said.detail, fix=said.fix)


def refuse_too_late(at: Project) -> None:
    """Raise Refused if the last apply was rolled back automatically."""
    newest = next(generations.newest_first(at.generations), None)
    if newest is not None and newest.automatic:
        raise Refused(f"too late: {newest.reason}", fix="look at it with `reconciler history`, and apply again")


def too_late(at: Project, found: Confirmation) -> Refused:
    """Why an apply cannot be confirmed after its time is over: its rollback runs, or was interrupted."""
    if state.is_watched(found, at.processes):
        fix = "see the result with `reconciler history`"
        return Refused(f"too late: generation {found.back_to} is being restored", fix=fix)
    return Refused(
        f"too late: generation {found.generation} was not confirmed in time, and its rollback may be incomplete",
        fix=f"choose one: `reconciler rollback {found.generation}` or `reconciler rollback {found.back_to}`",
    )


def begin(at: Project, generation: Generation | None, within: float) -> Confirmation | None:
    """Start the watchdog for a generation that is about to be made; None without `--confirm-within`.

    Raises:
        ReconcilerError: The watchdog cannot be started.
    """
    if generation is None or not within:
        return None
    earlier = [number for number in generations.numbers(at.generations) if number < generation.number]
    waiting = Confirmation(
        id=os.urandom(8).hex(),
        generation=generation.number,
        back_to=earlier[-1],
        within=within,
        boot_id=lockfile.current_namespace().boot,
        apply_pid=os.getpid(),
        apply_started=_started(at, os.getpid()),
    )
    state.write(at.waiting, waiting)
    try:
        pid = detached.start(_watchdog(at, waiting), at.waiting.log, at.env)
    except ReconcilerError:
        state.forget(at.waiting)
        raise
    watched = replace(waiting, watchdog_pid=pid, watchdog_started=_started(at, pid))
    state.amend(at.waiting, watched)
    return watched


def count_down(at: Project, confirmation: Confirmation | None) -> Confirmation | None:
    """Start the time limit now; None if nothing waits any more."""
    if confirmation is None:
        return None
    deadline = at.now() + timedelta(seconds=confirmation.within)
    running = replace(confirmation, deadline=to_second(deadline))
    return running if state.amend(at.waiting, running) else None


def over(at: Project) -> None:
    """Remove the confirmation: the user has decided."""
    state.forget(at.waiting)


def _watchdog(at: Project, confirmation: Confirmation) -> list[str]:
    # -P: do not import a folder called `reconciler` from the current folder.
    program = [sys.executable, "-P", "-m", "reconciler"]
    return [*program, "await-confirmation", confirmation.id, "--chdir", at.root, "--registry", at.registry_path]


def _started(at: Project, pid: int) -> int:
    found = at.processes.started(pid)
    return found.value if isinstance(found, Present) else 0

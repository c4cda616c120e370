"""Start the background follower, restart it, and hand jobs over to it."""

from __future__ import annotations

import sys

from msgspec.structs import replace

from reconciler.app.project.project import Project
from reconciler.jobs import background
from reconciler.jobs.follow import Follower
from reconciler.jobs.record import Records
from reconciler.jobs.submit import watch_job
from reconciler.ports import detached

_HANDING_ON = 30.0  # seconds; a start takes about one, and much longer on a busy machine
_STEP = 0.1


def begin(at: Project, records: Records) -> None:
    """Start the background follower of these jobs unless it runs already."""
    if not background.lives(background.noted_follower(records), at.processes):
        _start(at, records)


def revive(at: Project, records: Records) -> None:
    """Restart a follower that was killed; one that ended normally has nothing left to do."""
    state = background.noted_follower(records)
    if state and not background.lives(state, at.processes):
        _start(replace(at, root=state.root, registry_path=state.registry), records)


def revive_all(at: Project, records: Records) -> None:
    """The same for the follower of a broker and that of a queue."""
    revive(at, records)
    revive(at, background.for_queue(records))


def hand_on(at: Project, records: Records, follower: Follower, job_id: str, to: str) -> str:
    """Let the background follower take the job over. Returns why it could not; empty if it did, or the job has ended.

    `to` is where it must listen. `follower` keeps following until then, so that no event is missed.
    """
    deadline = at.clock.monotonic() + _HANDING_ON
    while follower.open and at.clock.monotonic() < deadline:
        state = background.noted_follower(records)
        if state and background.lives(state, at.processes):
            if state.broker != to:
                return f"the background follower listens to another broker, {state.broker}"
            if job_id in state.jobs:
                return ""
        for _ in watch_job(records, follower, _STEP):
            pass
    return f"the background follower did not start; see {background.log_of(records)}" if follower.open else ""


def _start(at: Project, records: Records) -> None:
    """Start it in its own process session; if two are started, one ends by itself."""
    background.expect_ours(records)
    records.files.make_folder(background.folder_of(records), 0o700)
    words = ["job", "follower", "--chdir", at.root, "--registry", at.registry_path, "--registry-dir", records.folder]
    words += ["--queue"] if records.follower == background.QUEUE else []
    # -P: do not import a module with our name from the current folder
    detached.start([sys.executable, "-P", "-m", "reconciler", *words], background.log_of(records), at.env)

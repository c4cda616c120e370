"""The follower in the background, from outside: start it, start it again, hand jobs on to it."""

from __future__ import annotations

import sys
from dataclasses import replace

from reconciler.app.project.project import Project
from reconciler.jobs import background
from reconciler.jobs.follow import Follower
from reconciler.jobs.record import Records
from reconciler.jobs.submit import watch_job
from reconciler.model.broker import EventWay
from reconciler.ports import detached

_HANDING_ON = 30.0  # seconds; a start takes one, and many on a busy machine
_STEP = 0.1


def begin(at: Project, records: Records) -> None:
    """See that a follower of these jobs runs in the background, or is about to."""
    if not background.lives(background.noted_follower(records), at.processes):
        _start(at, records)


def revive(at: Project, records: Records) -> None:
    """Start the follower again that was killed; one that ended by itself has nothing to do."""
    state = background.noted_follower(records)
    if state and not background.lives(state, at.processes):
        _start(replace(at, root=state.root, registry_path=state.registry), records)


def hand_on(at: Project, records: Records, follower: Follower, job_id: str, to: EventWay) -> str:
    """See that the job is followed in the background; why it is not, empty when it is, or has ended.

    Until then `follower` goes on: no event escapes both.
    """
    deadline = at.clock.monotonic() + _HANDING_ON
    while follower.open and at.clock.monotonic() < deadline:
        state = background.noted_follower(records)
        if state and background.lives(state, at.processes):
            if state.broker != background.address_of(to):
                return f"the follower in the background listens to another broker, {state.broker}"
            if job_id in state.jobs:
                return ""
        for _ in watch_job(records, follower, _STEP):
            pass
    return f"no follower came up in the background: {background.log_of(records)} says why" if follower.open else ""


def _start(at: Project, records: Records) -> None:
    """A process in a session of its own; of two, one ends by itself."""
    background.expect_ours(records)
    records.files.make_folder(background.folder_of(records), 0o700)
    words = ("job", "follower", "--chdir", at.root, "--registry", at.registry_path, "--registry-dir", records.folder)
    # -P: a module of that name in the folder that we are in must not be taken for ours
    detached.start([sys.executable, "-P", "-m", "reconciler", *words], background.log_of(records), at.env)

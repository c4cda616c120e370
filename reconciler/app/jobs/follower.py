"""The follower in the background, from inside: follow every open job of one broker until none is left."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace

from reconciler.app.agents.look import look
from reconciler.app.jobs import jobs
from reconciler.app.project.project import Project
from reconciler.jobs import background
from reconciler.jobs.follow import Follower
from reconciler.jobs.record import Records, RecordUnreadable, UnknownJob, read
from reconciler.jobs.submit import watched
from reconciler.jobs.validation import conclude
from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.model.job import Ended
from reconciler.ports import lockfile
from reconciler.ports.bus import BusUnreachable
from reconciler.ports.mqtt import connect
from reconciler.render.jobs import happening_text
from reconciler.render.terminal import show

_LOOK_AGAIN = 1.0  # seconds between two looks for new jobs
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


def serve(at: Project, records: Records) -> int:
    """Be the follower, unless there is one; a broker that is away is waited for."""
    background.expect_ours(records)
    scene = jobs.Scene(at, look(at, everyone=False), records)
    jobs.tell_unseen(at)
    connection, pause = jobs.route_of(scene).follower, _FIRST_PAUSE
    while True:
        try:
            with lockfile.if_free(background.folder_of(records)) as free:
                if not free:
                    return ExitCode.OK
                _work(scene, connection)
        except BusUnreachable as error:
            _say(scene, [f"{error.summary}; trying again in {pause:g} s"])
            at.clock.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        # asked after the turn is over: a job may have come while the last one ended
        if not background.waits(records, background.address_of(connection)):
            return ExitCode.OK


def _work(scene: jobs.Scene, connection: Connection) -> None:
    """Finish what one that was killed has left, and follow what is open."""
    left = background.noted(scene.records)
    for job_id in left.jobs if left else ():
        with suppress(UnknownJob, RecordUnreadable):
            if read(scene.records, job_id).ended:
                _conclude(scene, job_id)
    if background.waits(scene.records, background.address_of(connection)):
        _follow_all(scene, connection)
    background.leave(scene.records)


def _follow_all(scene: jobs.Scene, connection: Connection) -> None:
    at, records = scene.at, scene.records
    state = background.myself(connection, at.root, at.registry_path, at.processes)
    known: set[str] = set()
    lookout = jobs.lookout_of(at, records)
    with closing(connect(connection)) as bus:
        _say(scene, [f"Listening to {state.broker} for the open jobs of {records.folder}."])
        follower = Follower(records, bus)
        while True:
            with suppress(BusUnreachable):  # the connection comes back by itself, and what is left is taken up then
                background.take_up(records, follower, state.broker, known)
            if not follower.open:
                break
            if follower.open != state.jobs:
                state = replace(state, jobs=follower.open)
                background.note(records, state)
            for happening in watched(records, follower, _LOOK_AGAIN, lookout=lookout):
                _say(scene, happening_text(happening))
                if isinstance(happening, Ended):
                    _conclude(scene, happening.job.id)


def _conclude(scene: jobs.Scene, job_id: str) -> None:
    """Finish a job that has ended; what fails for one must not end the follower of the others."""
    try:
        conclude(scene.records, job_id, scene.world.tmux)
    except ReconcilerError as error:
        _say(scene, [f"{job_id}  could not be concluded: {error.summary}"])


def _say(scene: jobs.Scene, lines: Iterable[str]) -> None:
    show(lines, sys.stderr, scene.at.env)
    sys.stderr.flush()

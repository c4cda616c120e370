"""Look at the clock, and at times that this clock or the clock of another machine recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from reconciler.app.project.project import Project
from reconciler.model.moment import read
from reconciler.model.observed import Observed, Present
from reconciler.state.registry import StoredRegistry

from .facts import ClockFacts


def look_at_clock(at: Project, stored: Observed[StoredRegistry]) -> ClockFacts:
    """The present time, the times in the registry, and the change times of our files."""
    rows = stored.value.record.sessions.values() if isinstance(stored, Present) else ()
    times = {row.session: [read(text) for text in (row.updated_at, row.created_at, row.terminated_at)] for row in rows}
    return ClockFacts(
        rows={session: max(known) for session, found in times.items() if (known := list(filter(None, found)))},
        files=dict(_files(at)),
        now=at.now(),
    )


def _files(at: Project) -> Iterator[tuple[str, datetime]]:
    """The change times of our folders and of the registry, which the file system sets by its own clock."""
    for path in (at.registry_path, at.state, *at.own_folders[1:]):
        found = at.files.facts(path)
        if isinstance(found, Present):
            yield os.path.relpath(path, at.root), datetime.fromtimestamp(found.value[0], UTC)

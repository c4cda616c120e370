"""Single rooms, measured inside this process: the registry, and one comparison as a monitor makes it."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

from reconciler.app.plan.make import make_plan
from reconciler.app.project.project import find_project
from reconciler.model.record import Json, RowEdit, Section
from reconciler.plan.request import Request
from reconciler.ports.files import RealFiles
from reconciler.state.registry import Registry, commit, read

_REPEATS = 5
_ROW: dict[str, Json] = {
    "workspace": "ws0",
    "agent": "a0",
    "type": "sleeper",
    "role": "creator",
    "status": "running",
    "last_visible_status": "running",
    "last_visible_note": "started by reconciler",
    "a0_session_id_own": None,
    "resumable": False,
    "spec": {"type": "sleeper", "command": ["sleep", "1000000"], "args": [], "env": {}, "cwd": "/home/u/lab/ws0"},
    "spec_digest": "59b7f020afad6552",
    "managed": True,
    "pane": {"id": "%1", "pid": 4242, "cmd": "sleep", "cwd": "/home/u/lab/ws0"},
    "created_at": "2026-11-21T22:21:35Z",
}


def registry_times(rows: int) -> Iterator[tuple[str, str]]:
    """What reading and writing a registry of that many rows takes."""
    with tempfile.TemporaryDirectory(prefix="rb-") as folder:
        path = os.path.join(folder, ".hermes", "agent-sessions.yaml")
        warm = Registry(path, os.path.join(folder, "cache"), RealFiles())
        cold = Registry(path, os.path.join(folder, "no-cache"), RealFiles())
        new = [RowEdit(Section.SESSIONS, f"ws{n}-creator-a0", {**_ROW, "workspace": f"ws{n}"}) for n in range(rows)]
        began = time.perf_counter()
        commit(warm, read(warm), new, new_lineage="0" * 32)
        yield f"registry: write {rows} new rows", f"{time.perf_counter() - began:.3f} s"
        yield f"registry: read {rows} rows, parsed before", _median(lambda: read(warm))
        yield f"registry: read {rows} rows, edited by hand", _median(lambda: read(cold))
        yield f"registry: write one row of {rows}", _median(_one_row_written(warm))


def _one_row_written(registry: Registry) -> Callable[[], object]:
    serial = iter(range(1_000_000))

    def write() -> object:
        edit = RowEdit(Section.SESSIONS, "ws7-creator-a0", {"last_visible_note": f"note {next(serial)}"})
        return commit(registry, read(registry), [edit], new_lineage="")

    return write


def _median(work: Callable[[], object]) -> str:
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return f"{statistics.median(times):.3f} s"


def comparison_cpu(root: str) -> float:
    """CPU seconds of one look and one comparison in a process that runs already."""
    at = find_project(root, "")
    make_plan(at, Request())
    times = []
    for _ in range(_REPEATS):
        began = time.process_time()
        planned = make_plan(at, Request())
        times.append(time.process_time() - began)
        if not planned.plan.in_sync:
            raise SystemExit("the lab is not in sync, so this time would mean nothing")
    return statistics.median(times)

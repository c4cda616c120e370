"""The monitor: what a pass without change costs, how soon it sees a session go, what it costs to wait, and growth.

python bench/monitor.py --growth    # 10,000 passes in one process; takes minutes
"""

from __future__ import annotations

import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from lab import Lab, lab
from msgspec.structs import replace
from talkers import install, leave_notes

from reconciler.app.monitor.observer import ProjectObserver
from reconciler.app.project.project import find_project
from reconciler.monitor.passes import PassContext, Passes
from reconciler.monitor.state_folder import StateFolder
from reconciler.ports.clock import RealClock

_CLOCK = RealClock()
_REPEATS = 7
_IDLE_SECONDS = 60
_GROWTH_PASSES = 10_000
_PASSES_TO_REST = 3  # the registry gets what is found, and is read again
_UNTIL_OLD = 4  # seconds until what was written is not taken for just written


def pass_cpu(place: Lab) -> float:
    """CPU seconds of one pass without change in a running monitor."""
    passes = _passes(place)
    for _ in range(_PASSES_TO_REST):
        passes.next()
        passes.confirm()
    times = []
    for _ in range(_REPEATS):
        began = time.process_time()
        step = passes.next()
        times.append(time.process_time() - began)
        if step.seen.drifts or step.seen.diagnostics:
            raise SystemExit("something differs, so this time would mean nothing")
    return statistics.median(times)


def reaction(place: Lab) -> float:
    """Seconds from `kill-session` until the registry says so, in the median."""
    monitor = _started(place)
    path = os.path.join(place.root, ".hermes", "agent-sessions.yaml")
    times = []
    for number in range(_REPEATS):
        before = os.stat(path).st_mtime_ns
        began = time.perf_counter()
        place.tmux("kill-session", "-t", f"=ws{number}-creator-a0")
        while os.stat(path).st_mtime_ns == before:
            if time.perf_counter() - began > 60:
                raise SystemExit("the monitor did not see it")
            _CLOCK.wait(0.002)
        times.append(time.perf_counter() - began)
        _CLOCK.wait(3)  # until it has looked once more and rests
    _ended(monitor)
    return statistics.median(times)


def idle_share(place: Lab) -> float:
    """The part of one core that a monitor and its children use while nothing happens, in per cent.

    What the start takes is not counted: two times are compared, one short and one long.
    """
    short, long = (_cpu(place, seconds) for seconds in (5, _IDLE_SECONDS))
    return 100 * (long - short) / (_IDLE_SECONDS - 5)


def talkative_pass_cpu(cli: str, agents: int) -> float:
    """The same over agents of a CLI that leave notes, or hold files open, and have said something."""
    with lab() as place:
        install(place, cli)
        place.declare(agents, cli)
        place.reconciler("apply", "--auto-approve")
        if cli == "claude":
            leave_notes(place)
        _CLOCK.wait(_UNTIL_OLD)
        return pass_cpu(place)


def growth() -> Iterator[tuple[str, str]]:
    """Memory and descriptors of a process before and after many passes over ten agents."""
    with lab() as place:
        install(place, "claude")
        place.declare(10, "claude")
        place.reconciler("apply", "--auto-approve")
        leave_notes(place)
        passes = _passes(place)
        for _ in range(200):
            passes.next()
        memory, descriptors = _memory(), _descriptors()
        for _ in range(_GROWTH_PASSES):
            passes.next()
        yield f"memory after {_GROWTH_PASSES} passes", f"{_memory() - memory:+.1f} MiB (of {memory:.0f})"
        yield f"descriptors after {_GROWTH_PASSES} passes", f"{_descriptors() - descriptors:+d} (of {descriptors})"


def _passes(place: Lab) -> Passes:
    at = replace(find_project(place.root, ""), env=place.env())
    folder = StateFolder(os.path.join(place.root, "state"), at.files, at.clock)
    return Passes(PassContext(ProjectObserver(at).look, at.registry, at.lock, folder, at.clock))


def _started(place: Lab) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reconciler", "monitor"]
    monitor = subprocess.Popen(command, env=place.env(), cwd=place.root, stdout=subprocess.DEVNULL)
    _CLOCK.wait(5)
    return monitor


def _ended(monitor: subprocess.Popen[bytes]) -> float:
    """CPU seconds of the monitor and its children, once it has ended."""
    monitor.send_signal(signal.SIGTERM)
    _pid, status, usage = os.wait4(monitor.pid, 0)
    monitor.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _cpu(place: Lab, seconds: float) -> float:
    monitor = _started(place)
    _CLOCK.wait(seconds)
    return _ended(monitor)


def _memory() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


if __name__ == "__main__":
    for what, measured in growth():
        print(f"{what}: {measured}", flush=True)

"""Whole processes, timed from outside: wall time, CPU time and peak memory of each run."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """One finished process, in seconds."""

    wall: float
    cpu: float


def run(command: Sequence[str], env: Mapping[str, str], cwd: str, given: str = "") -> Run:
    """Run to the end; a failure stops the benchmark, since its time would mean nothing."""
    began = time.perf_counter()
    stdin = subprocess.PIPE if given else subprocess.DEVNULL
    process = subprocess.Popen(command, env=env, cwd=cwd, stdin=stdin, stdout=subprocess.DEVNULL)
    if process.stdin:
        process.stdin.write(given.encode())
        process.stdin.close()
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime)


# A child begins with the peak of the process that it was forked from, so a small one starts it.
_TELL_PEAK = """\
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss if status == 0 else "failed")
"""


def peak(command: Sequence[str], env: Mapping[str, str], cwd: str) -> float:
    """The peak memory of one run, in MiB; not less than that of an interpreter."""
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TELL_PEAK, *command], env=env, cwd=cwd, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return int(told.stdout) / 1024


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure by itself."""
    return Run(*(statistics.median(getattr(each, name) for each in runs) for name in ("wall", "cpu")))


def repeated(times: int, once: Callable[[], Run]) -> Run:
    """The median of several runs, after one that is not counted."""
    once()
    return median([once() for _ in range(times)])


def together(*runs: Run) -> Run:
    """Several runs as one, one after the other."""
    return Run(sum(each.wall for each in runs), sum(each.cpu for each in runs))


@dataclass(frozen=True)
class Paired:
    """Ours beside a limit of the machine, measured in turn; `ratio` is the median of the pairs' ratios."""

    ours: Run
    limit: Run
    ratio: float


def paired(times: int, ours: Callable[[], Run], limit: Callable[[], Run]) -> Paired:
    """Ours and the limit in turn, after one pair that is not counted: the speed of a machine changes all the time."""
    ours(), limit()
    pairs = [(ours(), limit()) for _ in range(times)]
    ratio = statistics.median(mine.wall / bare.wall for mine, bare in pairs)
    return Paired(median([mine for mine, _ in pairs]), median([bare for _, bare in pairs]), ratio)


@dataclass(frozen=True)
class Row:
    """One line of the table; `ratio` is how often the limit of the machine fits in; a budget is not always set."""

    what: str
    measured: str
    ratio: str = ""
    budget: str = ""


def machine() -> str:
    """The machine in one line; figures of different machines are not comparable."""
    tmux = subprocess.run(["tmux", "-V"], check=True, capture_output=True, text=True).stdout.strip()
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, {tmux}"
    )


def table(measured: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | median | times the limit | budget |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {row.what} | {row.measured} | {row.ratio} | {row.budget} |" for row in measured)])

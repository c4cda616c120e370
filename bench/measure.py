"""Whole processes, timed from outside: wall time, CPU time and peak memory of each run."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """One finished process: seconds, seconds, MiB."""

    wall: float
    cpu: float
    peak: float


def run(command: Sequence[str], env: Mapping[str, str], cwd: str) -> Run:
    """Run to the end; a failure stops the benchmark, since its time would mean nothing."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure by itself."""
    return Run(*(statistics.median(getattr(each, name) for each in runs) for name in ("wall", "cpu", "peak")))


def repeated(times: int, once: Callable[[], Run]) -> Run:
    """The median of several runs, after one that is not counted."""
    once()
    return median([once() for _ in range(times)])


@dataclass(frozen=True)
class Row:
    """One line of the table; `budget` is empty where none was set."""

    what: str
    measured: str
    budget: str = ""


def machine() -> str:
    """The machine in one line; figures of different machines are not comparable."""
    tmux = subprocess.run(["tmux", "-V"], check=True, capture_output=True, text=True).stdout.strip()
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, {tmux}"
    )


def table(measured: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | median | budget |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {row.what} | {row.measured} | {row.budget} |" for row in measured)])

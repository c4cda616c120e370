"""Tries reconciler with one tmux after the other: those of Debian's releases, and those that are named.

`make test-tmux` runs it; `make test-tmux PROGRAMS=/opt/tmux-3.4/bin/tmux` tries a tmux of your own as well.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packages import NotToBeHad, tmux_of

RELEASES = ("bullseye", "bookworm", "trixie", "forky", "sid")
ROUND = ("tests/e2e/test_round.py",)
ALL = (
    *ROUND,
    "tests/e2e/test_killed.py",
    "tests/e2e/test_neighbours.py",
    "tests/e2e/test_unreachable_server.py",
    "tests/e2e/test_tmux_conf.py",
    "tests/e2e/test_too_many_agents.py",
    "tests/ports/test_attaching.py",
    "tests/ports/test_server_events.py",
    "tests/ports/test_bounds.py",
    "tests/ports/test_handover.py",
    "tests/ports/test_hostile_tmux.py",
    "tests/ports/test_leftovers.py",
    "tests/ports/test_real_tmux.py",
    "tests/ports/test_file_limit.py",
    "tests/ports/test_tmux_contract.py",
)
OLDEST = (3, 2)


def main(own: list[str]) -> int:
    """Print a table of versions and results; 1 when a version that must work does not."""
    rows = [row for program, source in _programs(own) for row in [_row(program, source)]]
    print("| tmux | from | result |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    return int(any(row[2].startswith("failed") for row in rows))


def _programs(own: list[str]) -> Iterator[tuple[Path | NotToBeHad, str]]:
    for release in RELEASES:
        try:
            yield tmux_of(release), f"Debian {release}"
        except NotToBeHad as reason:
            yield reason, f"Debian {release}"
    for program in own:
        yield Path(program).resolve(), "source"


def _row(program: Path | NotToBeHad, source: str) -> tuple[str, str, str]:
    if isinstance(program, NotToBeHad):
        return "-", source, f"could not be had: {program}"
    version = _version(program)
    print(f"--- tmux {version} ({source})", file=sys.stderr, flush=True)
    old = tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", *(ROUND if old else ALL)],
        check=False,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "RECONCILER_TMUX": str(program.parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    print(done.stdout, file=sys.stderr, flush=True)
    summary = done.stdout.strip().splitlines()[-1].split(" in ")[0]
    if done.returncode:
        return version, source, f"failed: {summary}"
    return version, source, "refused" if old else f"works: {summary}"


def _version(program: Path) -> str:
    done = subprocess.run([str(program), "-V"], check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip().removeprefix("tmux ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The status of one project beside that of twenty, in alternation: processes, and instructions where valgrind is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from lab import Lab, lab
from measure import Row, Run, median

_PROJECTS, _AGENTS, _REPEATS = 20, 10, 7


@dataclass(frozen=True)
class Neighbour(Lab):
    """One of many projects that share the home and the tmux server of the first."""

    home: str = ""

    @property
    def socket(self) -> str:
        """The socket of the shared tmux server."""
        return os.path.join(self.home, "s")

    def env(self) -> dict[str, str]:
        """The environment of the first project."""
        return Lab(self.home).env()


def rows() -> Iterator[Row]:
    """Wall time of one and of all, and how many times as long all take."""
    with lab() as first:
        for number in range(_PROJECTS):
            _apply(first, number)
        one = Neighbour(os.path.join(first.root, "p0"), first.root)
        alone, everyone = _in_alternation(one)
        yield Row(f"`status`, 1 project of {_AGENTS} agents", f"{alone.wall:.3f} s")
        yield Row(
            f"`status --all`, {_PROJECTS} projects of {_AGENTS} agents",
            f"{everyone.wall:.3f} s",
            f"{everyone.wall / alone.wall:.2f} x 1 project",
            "2 x",
        )
        if shutil.which("valgrind"):
            ratio = _instructions(one, "status", "--all") / _instructions(one, "status")
            yield Row("its instructions", "", f"{ratio:.2f} x 1 project", "2 x")


def _apply(first: Lab, number: int) -> None:
    place = Neighbour(os.path.join(first.root, f"p{number}"), first.root)
    os.mkdir(place.root)
    place.declare(_AGENTS)
    path = os.path.join(place.root, "reconciler.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("  ws0:", f"  ws-{number}:")  # sessions of one server have different names
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    place.reconciler("apply", "--auto-approve")


def _in_alternation(one: Lab) -> tuple[Run, Run]:
    pairs = [(one.reconciler("status"), one.reconciler("status", "--all")) for _ in range(_REPEATS + 1)][1:]
    alone, everyone = zip(*pairs, strict=True)
    return median(alone), median(everyone)


def _instructions(one: Lab, *words: str) -> int:
    """What callgrind counts, without the programs that are started."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", sys.executable, "-m"]
        done = subprocess.run(
            [*command, "reconciler", *words],
            env={**one.env(), "PYTHONHASHSEED": "0"},
            cwd=one.root,
            check=True,
            capture_output=True,
            text=True,
        )
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    for row in rows():
        print(f"{row.what}: {row.measured}  {row.ratio}", flush=True)

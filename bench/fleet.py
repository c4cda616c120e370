"""Merge the recorded plan of one host as if many hosts had told it: `.venv/bin/python bench/fleet.py [HOSTS]`.

Prints the CPU seconds and the largest memory of this process, and the load of the machine: wall time says little on a
busy one.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from reconciler.fleet.merge import fleet_document
from reconciler.fleet.results import read_lines, with_unknown
from reconciler.fleet.text import fleet_text

RECORDED = Path(__file__).parents[1] / "tests" / "fleet" / "recorded_plan.jsonl"
SHAPES = 6  # groups that 50 real hosts made


def main(count: int) -> None:
    lines = map(json.loads, RECORDED.read_text().splitlines())
    one = next(line for line in lines if line.get("event") == "ok")
    bodies = [json.dumps({**one["document"], "shape": f"{number}"}) for number in range(SHAPES)]
    path = Path(sys.argv[0]).with_suffix(".lines")
    with path.open("w") as file:
        for number in range(count):
            head = f'"host":"h{number:05}","event":"ok","exit_code":0,"said":""'
            file.write(f'{{{head},"document":{bodies[number % SHAPES]}}}\n')
    size = path.stat().st_size
    begun = time.process_time()
    with path.open("rb") as file:
        told = read_lines(file)
    found = with_unknown(sorted(told.begun), told)
    shown = len(list(fleet_text(found)))
    text = time.process_time() - begun
    said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    printed = len(json.dumps(fleet_document(found)))
    whole = time.process_time() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    path.unlink()
    print(f"{count} hosts, {size // max(1, count)} bytes a host, load {os.getloadavg()[0]:.1f}")
    print(f"text ({shown} lines): {text:.2f} s CPU, {said} MiB")
    print(f"and the JSON document of {printed >> 20} MiB: {whole:.2f} s CPU, {most} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)

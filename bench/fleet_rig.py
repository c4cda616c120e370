"""What a fleet costs its controller: CPU, wall and bytes of plan, apply and status, on hosts made of namespaces.

By hand, as root: `python bench/fleet_rig.py 1 10`. All hosts run on this machine, so that wall times are upper bounds.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from time import monotonic

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "tests"), str(HERE / "tests" / "fleet"), str(HERE / "tests" / "rig")]

from lab_hosts import MANIFEST  # noqa: E402 - the rig is beside the tests
from machines import Machine, Rig  # noqa: E402

ROW = "{:<24} {:>5} {:>8} {:>8} {:>12}"


def _bytes(machine: Machine) -> int:
    """What went through its link, both ways."""
    fields = machine.run("cat", "/proc/net/dev").stdout.split("eth0:")[1].split()
    return int(fields[0]) + int(fields[8])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measured(rig: Rig, name: str, *words: str) -> None:
    """Only processes of the controller are children of this one; those of the hosts are not."""
    count = len(rig.hosts)
    sent, cpu, begun = _bytes(rig.controller), _cpu(), monotonic()
    done = rig.type("fleet", *words, "-i", f"ssh:{','.join(rig.names)}", "--project", "~/lab")
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    wall, cpu = monotonic() - begun, _cpu() - cpu
    each = (_bytes(rig.controller) - sent) // count
    print(ROW.format(name, count, f"{cpu:.2f}", f"{wall:.1f}", each), flush=True)


def main() -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; CPU of the controller, in seconds")
    print(ROW.format("command", "hosts", "CPU", "wall", "bytes/host"))
    for count in map(int, sys.argv[1:] or ["1", "10"]):
        rig = Rig()
        try:
            rig.make([f"h{number}" for number in range(count)])
            for host in rig.hosts.values():
                host.write("lab/reconciler.yaml", MANIFEST)
            _measured(rig, "plan, first connection", "plan")
            _measured(rig, "plan", "plan")
            _measured(rig, "apply", "apply", "--auto-approve")
            _measured(rig, "status, first connection", "status")
            _measured(rig, "status", "status")
            _measured(rig, "doctor", "doctor")
        finally:
            rig.end()
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

"""A child that ends with the process that started it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import PATIENCE, wait_until

from reconciler.ports.child_process import ChildProcess

STARTER = """
import os, signal, sys
from reconciler.ports.child_process import ChildProcess
child = ChildProcess(["/bin/sh", "-c", sys.argv[1]], os.environ)
print(os.read(child.stdout, 100).decode().strip(), flush=True)
os.kill(os.getpid(), int(sys.argv[2]))
"""
DEAF = "trap '' TERM HUP; echo $$; while :; do sleep 1000; done"


def runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2][0] not in "ZX"


def heard(child: ChildProcess) -> bytes:
    """All that a child says until it closes its output."""
    return b"".join(iter(lambda: os.read(child.stdout, 1 << 16), b""))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_child_that_is_deaf_to_everything_ends_with_the_process_that_wanted_it(how):
    starter = [sys.executable, "-c", STARTER, DEAF, str(int(how))]
    done = subprocess.run(starter, capture_output=True, text=True, check=False, timeout=PATIENCE)

    wait_until(lambda: not runs(int(done.stdout)))
    assert done.returncode == -how


def test_what_is_said_arrives_and_what_is_printed_is_read():
    child = ChildProcess(["/bin/cat"], os.environ)
    os.write(child.stdin, b"one\ntwo\n")
    child.close_input()

    assert heard(child) == b"one\ntwo\n"
    child.kill()


def test_a_child_that_cannot_run_says_why():
    child = ChildProcess(["/no/such/program"], os.environ)

    assert heard(child) == b""
    assert "/no/such/program" in child.complaints()
    child.kill()


def test_a_child_that_does_not_leave_in_time_is_killed():
    child = ChildProcess(["/bin/sh", "-c", DEAF], os.environ)
    pid = int(os.read(child.stdout, 100))

    child.end(0.05)

    assert not runs(pid)


def test_nothing_of_a_child_stays_behind():
    before = set(os.listdir("/proc/self/fd"))

    for _ in range(3):
        child = ChildProcess(["/bin/echo", "x"], os.environ)
        child.end(30)
        child.kill()

    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(child._keeper, 0)


def test_a_child_has_no_descriptor_but_its_three():
    child = ChildProcess(["/bin/ls", "/proc/self/fd"], os.environ)

    assert heard(child).split() == [b"0", b"1", b"2", b"3"]  # the last one is the folder that it reads
    child.kill()


def test_a_child_may_open_as_many_files_as_it_is_told_and_no_more_than_it_can():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for files, expected in [(soft - 1, soft - 1), (hard + 1, soft), (0, soft)]:
        child = ChildProcess(["/bin/sh", "-c", "ulimit -n"], os.environ, files=files)
        assert int(heard(child)) == expected
        child.kill()

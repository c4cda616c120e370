"""The machines of the rig are apart from each other and from this one, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from machines import HOSTS, ROOT, Rig, end_dead_runs, end_namespaces, leftovers
from waiting import wait_until

SEEN = (
    "hostname; cat /proc/1/comm; cat /etc/machine-id; ls -A /tmp /run /dev/shm /root; ip -o -4 addr show eth0; ip route"
)


def test_each_machine_is_apart(rig: Rig):
    told = {name: host.run("sh", "-c", SEEN).stdout.splitlines() for name, host in rig.hosts.items()}
    assert [lines[0] for lines in told.values()] == list(HOSTS)
    assert all(lines[1] == "sshd" for lines in told.values()), "its processes have numbers of their own"
    assert len({lines[2] for lines in told.values()}) == len(HOSTS), "each has a machine id"
    own = Path("/etc/machine-id")
    assert not own.exists() or own.read_text().strip() not in {lines[2] for lines in told.values()}
    for lines in told.values():
        assert lines[-1].startswith("10.77.0.0/16"), "the only route"
        assert not any(line.startswith("default") for line in lines)


def test_files_and_processes_of_one_are_not_seen_by_another(rig: Rig):
    one, two = rig.hosts["one"], rig.hosts["two"]
    one.run("sh", "-c", "touch /tmp/mine /dev/shm/mine ~/mine; tmux new-session -d -s mine")
    assert one.sessions() == ["mine"]
    assert two.sessions() == []
    assert two.run("ls", "/tmp/mine", "/dev/shm/mine", "/home/agents/mine").returncode != 0
    assert not Path("/tmp/mine").exists()
    assert not Path("/dev/shm/mine").exists()
    assert "tmux" not in two.run("ps", "-eo", "args").stdout


def test_the_etc_of_a_machine_is_a_copy(rig: Rig):
    """Renaming a file over it works, as programs that edit /etc/passwd do, and this machine's file stays."""
    before = Path("/etc/passwd").read_bytes()
    rename = (
        "cp /etc/passwd /etc/passwd.new && echo x:x:7:7::/:/bin/sh >> /etc/passwd.new && mv /etc/passwd.new /etc/passwd"
    )
    done = rig.hosts["one"].run("sh", "-c", rename, user=False)
    assert done.returncode == 0, done.stderr
    assert "x:x:7" in rig.hosts["one"].run("cat", "/etc/passwd").stdout
    assert "x:x:7" not in rig.hosts["two"].run("cat", "/etc/passwd").stdout
    assert Path("/etc/passwd").read_bytes() == before


@pytest.mark.usefixtures("machines")
def test_a_rig_leaves_nothing_behind():
    """Another rig, beside the one of the other tests, with work on it."""
    mine = Rig(run_name=f"rig{os.getpid()}b")
    try:
        mine.make(["one"])
        mine.hosts["one"].run("tmux", "new-session", "-d", "sleep 1000")
        pids = [pid for machine in mine.machines for pid in machine.pids()]
        assert len(pids) >= 4, "two machines, a tmux server and its session"
        assert leftovers(mine.run_name).keys() >= {"namespaces"}, "this test would notice nothing"
    finally:
        mine.end()
    assert leftovers(mine.run_name) == {}
    wait_until(lambda: not [pid for pid in pids if Path("/proc", str(pid)).exists()])
    assert not mine.folder.exists()


@pytest.mark.usefixtures("machines")
def test_a_rig_whose_run_was_killed_is_ended_by_the_next_one():
    code = f"import sys; sys.path[:0] = {[str(ROOT / 'tests'), str(ROOT / 'tests/rig')]}\n"
    code += "from machines import Rig; made = Rig(); made.make(['one']); print('made', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as run:
        assert run.stdout is not None
        try:
            assert run.stdout.readline() == "made\n"
        finally:
            run.kill()
    name = f"rig{run.pid}"
    assert leftovers(name)
    wait_until(lambda: not Path("/proc", str(run.pid)).exists())
    end_dead_runs()
    assert leftovers(name) == {}


@pytest.fixture(autouse=True)
def _nothing_of_these_tests_stays():
    yield
    end_namespaces(f"rig{os.getpid()}b")


PYTEST = (
    "cd /srv/reconciler && exec /srv/venv/bin/python -m pytest -q -p no:cacheprovider --basetemp ~/t"
    " tests/rig/test_rig_doctor.py"
)


def test_without_root_each_test_is_skipped_with_its_reason_and_the_last_line_says_so(rig: Rig):
    """On a machine of the rig, its user is not root."""
    done = rig.hosts["one"].run("sh", "-c", PYTEST)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("2 skipped")], done.stdout
    assert lines[-1] == "rig: skipped, not root"
    required = rig.hosts["one"].run("sh", "-c", PYTEST, RECONCILER_RIG="require")
    assert required.returncode == 1
    assert "RECONCILER_RIG=require, but there can be no rig here: not root" in required.stdout

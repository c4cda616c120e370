from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from msgspec import to_builtins
from msgspec.structs import replace
from waiting import PATIENCE, wait_until

from reconciler.model.errors import LockHeld, ReconcilerError, Refused, UsageError
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.ports import lockfile
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses
from reconciler.state.lock import MONITOR, HolderState, Lock, LockInfo, describe_holder, hold, status, unlock

CHECKOUT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
PROGRAM = """
import sys
from reconciler.model.errors import LockHeld
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses
from reconciler.state.lock import Lock, hold
lock = Lock(sys.argv[1], RealProcesses(), RealClock())
"""
HOLD = PROGRAM + "with hold(lock, 'apply') as held: print(held.info.id, flush=True); sys.stdin.read()"
# Two processes between the marks at once would see each other's file.
ENTER = (
    PROGRAM
    + """
import os
with hold(lock, 'apply', 30) as held:
    os.close(os.open(sys.argv[1] + '/inside', os.O_CREAT | os.O_EXCL))
    RealClock().wait(0.01)
    os.unlink(sys.argv[1] + '/inside')
    print(held.note)
"""
)


class NobodyKnows:
    def started(self, _pid):
        return Unknown("no /proc")


@pytest.fixture
def lock(tmp_path):
    return Lock(str(tmp_path / ".hermes"), RealProcesses(), RealClock())


def run(program, lock):
    command = [sys.executable, "-c", program, lock.folder]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=CHECKOUT)


@pytest.fixture
def holder(lock):
    with run(HOLD, lock) as process:
        process.identifier = process.stdout.readline().strip()
        yield process
        process.kill()


def put(lock, info):
    os.makedirs(lock.folder, exist_ok=True)
    Path(lock.path).write_text(json.dumps(to_builtins(info)) if isinstance(info, LockInfo) else info)


@contextmanager
def open_folder(path):
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def ours(lock):
    with hold(lock, "apply") as held:
        return held.info


def dead(lock):
    """A holder on this machine whose process is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    return replace(ours(lock), id="d0d0", pid=gone.pid)


def test_the_lock_is_there_while_the_block_runs_and_tells_who_holds_it(lock):
    with hold(lock, "apply") as held:
        found = status(lock)
        assert stat.S_IMODE(os.stat(lock.path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(lock.folder).st_mode) == 0o700

    assert found.value.info == held.info
    assert found.value.holder is HolderState.ALIVE
    assert (held.info.operation, held.info.pid, held.note) == ("apply", os.getpid(), "")
    assert status(lock) == ABSENT
    assert os.listdir(lock.folder) == []


def test_the_lock_goes_when_the_block_fails(lock):
    with pytest.raises(ZeroDivisionError), hold(lock, "apply"):
        _ = 1 / 0
    assert status(lock) == ABSENT


def test_looking_at_no_lock_writes_nothing(lock):
    assert status(lock) == ABSENT
    assert not os.path.exists(lock.folder)


def test_a_second_process_is_refused_and_told_who_holds_the_lock_and_the_way_out(lock, holder):
    with pytest.raises(LockHeld) as raised, hold(lock, "apply"):
        pytest.fail("two processes hold the lock")

    assert f"pid {holder.pid} (" in raised.value.summary
    assert f"@{os.uname().nodename}, apply, since 20" in raised.value.summary
    assert raised.value.summary.endswith(" s ago)")
    for way in ("--lock-timeout 30s", "reconciler lock status", f"reconciler unlock {holder.identifier}"):
        assert way in raised.value.fix


def test_waiting_ends_when_the_holder_lets_go(lock, holder):
    class LetsGo(RealClock):
        def wait(self, seconds):
            holder.stdin.close()
            super().wait(seconds)

    with hold(replace(lock, clock=LetsGo()), "apply", 30) as held:
        assert held.note == ""


def test_waiting_pauses_longer_and_longer_up_to_a_second_and_ends_in_time(lock):
    put(lock, replace(ours(lock), who="ann@elsewhere"))
    clock = FakeClock()
    pauses = []
    clock.wait = lambda seconds: (pauses.append(seconds), FakeClock.wait(clock, seconds))

    with pytest.raises(LockHeld), hold(replace(lock, clock=clock), "apply", 5):
        pytest.fail("two processes hold the lock")
    assert pauses[:6] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    assert sum(pauses) == pytest.approx(5)


def test_the_monitor_which_looks_and_writes_once_is_waited_for_in_any_case(lock):
    put(lock, replace(ours(lock), who="ann@elsewhere", operation=MONITOR))
    clock = FakeClock()
    with pytest.raises(LockHeld), hold(replace(lock, clock=clock), "apply"):
        pytest.fail("two processes hold the lock")
    assert clock.elapsed == pytest.approx(10)


def test_the_lock_of_a_killed_process_is_taken_over_with_a_note(lock, holder):
    os.kill(holder.pid, signal.SIGKILL)
    wait_until(lambda: status(lock).value.holder is HolderState.DEAD)  # a zombie is dead already

    with hold(lock, "apply") as held:
        assert held.note.startswith(f"took over the lock of pid {holder.pid} (")
        assert held.note.endswith(", which has ended")
        assert status(lock).value.info == held.info


def test_a_turn_that_does_not_come_is_not_waited_for_for_ever(tmp_path):
    """The process whose turn it is may be stopped."""
    with (
        lockfile.one_at_a_time(str(tmp_path)),
        pytest.raises(ReconcilerError, match=r"for 0\.1 s") as error,
        lockfile.one_at_a_time(str(tmp_path), 0.1),
    ):
        pytest.fail("two turns at once")
    assert f"fuser -v {tmp_path}" in error.value.fix
    with lockfile.one_at_a_time(str(tmp_path), 0):
        pass


def test_of_many_processes_that_want_a_dead_lock_one_at_a_time_gets_it(lock):
    put(lock, dead(lock))
    processes = [run(ENTER, lock) for _ in range(8)]

    notes = [process.communicate(timeout=PATIENCE)[0].strip() for process in processes]

    assert [process.returncode for process in processes] == [0] * 8
    assert len([note for note in notes if note]) == 1


def test_who_takes_a_dead_lock_over_is_alone_with_it(lock):
    class Looking(RealProcesses):
        def started(self, pid):
            if pid != os.getpid():
                with open_folder(lock.folder) as folder, pytest.raises(BlockingIOError):
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return super().started(pid)

    put(lock, dead(lock))

    with hold(replace(lock, processes=Looking()), "apply") as held:
        assert held.note


@pytest.mark.parametrize(
    ("change", "holder"),
    [
        ({}, HolderState.ALIVE),
        ({"pid_started": 1}, HolderState.DEAD),
        ({"boot_id": "another"}, HolderState.DEAD),
        ({"who": "ann@elsewhere"}, HolderState.UNKNOWN),
        ({"who": "ann@elsewhere", "boot_id": "another"}, HolderState.UNKNOWN),
        ({"pid_namespace": "pid:[1]"}, HolderState.UNKNOWN),
        ({"machine": "of another one with this name", "boot_id": "another"}, HolderState.UNKNOWN),
        ({"boot_id": ""}, HolderState.UNKNOWN),
    ],
)
def test_only_a_holder_that_is_proven_dead_is_dead(lock, change, holder):
    put(lock, replace(ours(lock), **change))

    assert status(lock).value.holder is holder


def test_a_clock_that_was_ahead_makes_no_negative_age(lock):
    info = replace(ours(lock), created="2999-01-01T00:00:00Z")
    assert describe_holder(info, lock.clock).endswith("since 2999-01-01T00:00:00Z, in the future by this clock)")


def test_a_holder_that_cannot_be_looked_at_is_not_dead(lock):
    put(lock, ours(lock))

    assert status(replace(lock, processes=NobodyKnows())).value.holder is HolderState.UNKNOWN


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"id": 1}', "\x00\x01", '{"id": "a", "pid": "x"}'])
def test_a_lock_file_that_cannot_be_understood_holds_until_it_is_unlocked(lock, content):
    put(lock, content)

    with pytest.raises(LockHeld, match="an unknown process") as raised, hold(lock, "apply"):
        pytest.fail("two processes hold the lock")
    assert "reconciler unlock unreadable" in raised.value.fix
    unlock(lock, "unreadable")
    assert status(lock) == ABSENT


def test_unlocking_with_a_wrong_id_names_the_right_one(lock):
    put(lock, dead(lock))

    with pytest.raises(UsageError, match="no lock has the ID beef; current: d0d0"):
        unlock(lock, "beef")
    assert isinstance(status(lock), Present)


def test_unlocking_what_is_not_locked_says_so_and_writes_nothing(lock):
    with pytest.raises(UsageError, match="the project is not locked"):
        unlock(lock, "beef")
    assert not os.path.exists(lock.folder)


def test_the_lock_of_a_living_process_cannot_be_unlocked(lock, holder):
    with pytest.raises(Refused, match=f"pid {holder.pid} holds the lock and still runs"):
        unlock(lock, holder.identifier)
    assert isinstance(status(lock), Present)


def test_a_lock_that_is_not_ours_any_more_is_left_alone(lock):
    with hold(lock, "apply") as held:
        put(lock, replace(held.info, id="beef"))
    assert status(lock).value.info.id == "beef"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_a_clear_error(lock):
    os.makedirs(lock.folder, mode=0o500)

    with (
        pytest.raises(ReconcilerError, match=r"cannot be locked: .*Permission denied"),
        hold(lock, "apply"),
    ):
        pytest.fail("locked")


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    lock = Lock(str(tmp_path / "file" / ".hermes"), RealProcesses(), RealClock())

    with pytest.raises(ReconcilerError, match=r"cannot be locked: .*Not a directory"), hold(lock, "apply"):
        pytest.fail("locked")


def test_a_lock_file_appears_whole_or_not_at_all(lock, monkeypatch):
    seen = []
    link = os.link

    def looking(source, target, **how):
        folder = Path(f"/proc/self/fd/{how['src_dir_fd']}")
        seen.append(((folder / target).exists(), json.loads((folder / source).read_text())["operation"]))
        link(source, target, **how)

    monkeypatch.setattr(os, "link", looking)
    ours(lock)

    assert seen == [(False, "apply")]


def test_a_lock_is_made_once(tmp_path):
    path = str(tmp_path / "lock")

    assert lockfile.create(path, b"1")
    assert not lockfile.create(path, b"2")
    assert lockfile.read(path) == Present(b"1")
    assert os.listdir(tmp_path) == ["lock"]


def test_a_failure_is_not_hidden_by_a_lock_that_cannot_be_removed_either(lock, monkeypatch):
    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    def fail():
        monkeypatch.setattr(os, "unlink", read_only)
        raise ReconcilerError("cannot write the registry")

    with pytest.raises(ReconcilerError, match="cannot write the registry"), hold(lock, "apply"):
        fail()


def test_a_lock_that_cannot_be_removed_is_told(lock, monkeypatch):
    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    with pytest.raises(ReconcilerError, match=r"lock cannot be removed: Read-only file system"), hold(lock, "apply"):
        monkeypatch.setattr(os, "unlink", read_only)


def test_a_folder_that_is_gone_is_not_made_again_for_a_lock_that_is_released(lock, tmp_path):
    """Its disk may have been unmounted: the folder would be made below the mount point."""
    with hold(lock, "watching"):
        os.rename(lock.folder, tmp_path / "aside")
    assert not os.path.exists(lock.folder)

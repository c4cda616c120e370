"""What every Processes promises, and how the real one reads the kernel."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.processes import FakeProcesses
from waiting import wait_until

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.ports import versions
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses, table_at
from reconciler.ports.processes_by_proc import ByProc, start_ticks
from reconciler.ports.processes_elsewhere import ByPsutil
from reconciler.ports.processes_unsupported import UnsupportedProcesses
from reconciler.ports.versions import printed_version
from reconciler.ports.world import ListeningProcess, Processes

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


@dataclass
class Side:
    processes: Processes
    pid: int  # a process that leads a group and obeys
    stubborn: int  # one that ignores SIGTERM


BACK_ENDS = {"proc": lambda: ByProc("/proc"), "psutil": ByPsutil}


@pytest.fixture(params=BACK_ENDS)
def processes(request) -> RealProcesses:
    """The processes of this machine, as each back-end tells of them."""
    return RealProcesses(BACK_ENDS[request.param]())


@pytest.fixture
def proc_side():
    yield from _real_side(ByProc("/proc"))


@pytest.fixture
def psutil_side():
    yield from _real_side(ByPsutil())


def _real_side(table):
    obeying = subprocess.Popen(["sleep", "1000"], process_group=0)
    script = "trap '' TERM; echo ready; while :; do sleep 1000 & wait; done"
    stubborn = subprocess.Popen(["sh", "-c", script], process_group=0, stdout=subprocess.PIPE)
    stubborn.stdout.readline()
    yield Side(RealProcesses(table), obeying.pid, stubborn.pid)
    for child in (obeying, stubborn):
        os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None
        child.communicate()


@pytest.fixture
def fake_side():
    processes = FakeProcesses(missing={"no-such-program"})
    pid, stubborn = processes.spawn(), processes.spawn()
    processes.stubborn.add(stubborn)
    processes.said[pid] = ("sleep", "1000")
    return Side(processes, pid, stubborn)


@pytest.fixture(params=["proc_side", "psutil_side", "fake_side"])
def side(request) -> Side:
    return request.getfixturevalue(request.param)


def test_a_process_has_one_start_time(side):
    started = side.processes.started(side.pid)

    assert isinstance(started, Present)
    assert side.processes.started(side.pid) == started


def test_a_terminated_process_is_absent_even_as_a_zombie_and_may_be_terminated_again(side):
    side.processes.terminate(side.pid)

    assert wait_until(lambda: side.processes.started(side.pid) == ABSENT)
    side.processes.terminate(side.pid)


def test_a_process_is_found_by_the_very_words_that_it_was_started_with(side):
    assert side.processes.words(side.pid) == ("sleep", "1000")
    assert side.pid in side.processes.started_with(["sleep", "1000"])
    assert side.pid not in side.processes.started_with(["sleep"])
    side.processes.terminate(side.pid)
    wait_until(lambda: side.pid not in side.processes.started_with(["sleep", "1000"]))
    assert side.processes.words(side.pid) == ()


def test_a_stubborn_process_lives_on(side):
    side.processes.terminate(side.stubborn)

    assert isinstance(side.processes.started(side.stubborn), Present)


def test_nobody_has_a_pid_out_of_range(side):
    assert side.processes.started(1 << 30) == ABSENT


@pytest.mark.parametrize("pid", [1, 0, -1])
def test_groups_init_and_ourselves_are_never_terminated(side, pid):
    with pytest.raises(ReconcilerError):
        side.processes.terminate(pid)


def test_an_ancestry_begins_with_the_process_itself(side):
    assert side.processes.ancestry(side.pid)[0] == (side.pid, "sleep")
    assert side.processes.ancestry(1 << 30) == ()


def test_a_command_is_found_by_name_and_by_path(side):
    assert isinstance(side.processes.find("sh", os.environ["PATH"]), Present)
    assert side.processes.find("/bin/sh", "") == Present("/bin/sh")
    assert side.processes.find("no-such-program", os.environ["PATH"]) == ABSENT


def test_a_whole_group_is_terminated_when_its_leader_is(processes):
    script = "sleep 1000 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], process_group=0, stdout=subprocess.PIPE) as leader:
        child = int(leader.stdout.readline())

        processes.terminate(leader.pid)

        wait_until(lambda: processes.started(child) == ABSENT)


def test_a_process_in_another_group_is_terminated_alone(processes):
    with subprocess.Popen(["sleep", "1000"]) as child:
        processes.terminate(child.pid)  # our own group survives this line

        assert child.wait() == -signal.SIGTERM


@pytest.mark.parametrize(
    ("stat", "answer"),
    [
        (b"7 (a) b) ) S 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 987654 1", Present(987654)),
        (b"7 (x) Z 1 7 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 987654 1", ABSENT),
    ],
)
def test_the_start_time_stands_after_the_last_parenthesis(stat, answer):
    assert start_ticks(stat) == answer


def test_an_odd_process_table_is_unknown():
    assert isinstance(start_ticks(b"7 (x) S 1"), Unknown)


def test_both_back_ends_tell_the_same_command_lines():
    with subprocess.Popen(["sleep", "1000"]) as child:
        by_proc = dict(table_at("/proc").command_lines())
        by_psutil = dict(ByPsutil().command_lines())
        child.kill()

    assert by_proc[child.pid] == by_psutil[child.pid] == "sleep 1000"
    assert set(by_proc) & set(by_psutil) >= {os.getpid(), child.pid}


def test_who_holds_a_lock_is_unknown_without_proc_and_never_nobody():
    locks = RealProcesses(ByPsutil()).locks()

    assert isinstance(locks, Unknown)
    assert "lock" in locks.reason


@pytest.fixture
def unseen():
    """A Linux without /proc, on which psutil cannot look, either; or any system without psutil."""
    return RealProcesses(UnsupportedProcesses("nothing tells of processes"))


def test_where_nothing_tells_of_processes_only_one_that_is_gone_is_absent(unseen):
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert unseen.started(child.pid) == unseen.open_files(child.pid) == ABSENT
    assert unseen.started(1 << 30) == unseen.started(-1) == ABSENT
    assert unseen.started(os.getpid()) == unseen.since(os.getpid()) == Unknown("nothing tells of processes")
    assert unseen.open_files(os.getpid()) == unseen.locks() == Unknown("nothing tells of processes")
    assert unseen.family(os.getpid()) == (os.getpid(),)
    assert unseen.unsupported() == "nothing tells of processes"


def test_a_system_without_proc_and_psutil_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "reconciler.ports.processes_elsewhere")
    monkeypatch.delattr("reconciler.ports.processes_elsewhere", raising=False)

    assert "psutil" in table_at.__wrapped__("/nowhere").unsupported


def test_a_linux_without_proc_is_not_taken_for_one_without_processes(monkeypatch):
    monkeypatch.setattr("psutil.PROCFS_PATH", "/nowhere")

    blind = table_at.__wrapped__("/nowhere")
    assert "/proc is not mounted" in blind.unsupported
    assert isinstance(blind.started(os.getpid()), Unknown)


def test_a_file_that_may_not_run_and_a_folder_are_no_commands(tmp_path):
    (tmp_path / "plain").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o755)

    for command in ("plain", "folder", f"{tmp_path}/plain", f"{tmp_path}/folder"):
        assert RealProcesses().find(command, str(tmp_path)) == ABSENT


def test_an_ancestry_goes_up_through_every_parent(processes, tmp_path):
    odd = tmp_path / "a) (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen(["sh", "-c", f"'{odd}' 1000 & echo $!; wait"], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        wait_until(lambda: processes.ancestry(child)[0][1] == odd.name)
        above = processes.ancestry(child)
        os.kill(child, signal.SIGKILL)
    assert above[1] == (parent.pid, "sh")
    assert above[2][0] == os.getpid()


def test_a_family_is_a_process_and_all_that_descend_from_it(processes):
    script = "sleep 1000 & (sleep 1000 & wait) & echo ready; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        wait_until(lambda: len(processes.family(parent.pid)) == 4)
        family = processes.family(parent.pid)
        os.killpg(parent.pid, signal.SIGKILL)
    assert family[0] == parent.pid
    assert processes.family(parent.pid) == ()


def test_what_left_the_terminal_session_is_no_longer_of_the_family(processes):
    script = "setsid sleep 1000 & echo $!; sleep 1000 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        away, near = int(parent.stdout.readline()), int(parent.stdout.readline())
        wait_until(lambda: os.getsid(away) == away)
        assert processes.family(parent.pid) == (parent.pid, near)
        os.kill(away, signal.SIGKILL)
        os.killpg(parent.pid, signal.SIGKILL)


def test_behind_a_wrapper_the_family_goes_on_where_the_same_terminal_is_read():
    """As `setsid -w` and `bwrap --new-session` leave it; a daemon reads from /dev/null instead."""
    processes = RealProcesses(ByProc("/proc"))
    ours, terminal = os.openpty()
    script = "exec 3<&0; setsid sleep 1000 <&3 & echo $!; setsid sleep 1000 < /dev/null & echo $!; wait"
    command = ["sh", "-c", script]
    with subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        wrapped, daemon = int(parent.stdout.readline()), int(parent.stdout.readline())
        wait_until(lambda: os.getsid(wrapped) == wrapped and os.getsid(daemon) == daemon)
        assert processes.family(parent.pid) == (parent.pid,)
        assert processes.family(parent.pid, wrapped=True) == (parent.pid, wrapped)
        for pid in (wrapped, daemon):
            os.kill(pid, signal.SIGKILL)
        os.killpg(parent.pid, signal.SIGKILL)
    os.close(ours)
    os.close(terminal)


def test_a_process_in_another_pid_namespace_has_another_pid_there():
    command = ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "sleep", "1000"]
    with subprocess.Popen(command) as parent:
        found = RealProcesses()
        wait_until(lambda: parent.poll() is not None or len(found.family(parent.pid)) == 2)
        if parent.poll() is not None:
            pytest.skip("no pid namespace may be made here")
        inner = found.family(parent.pid)[1]
        assert (found.inner_pid(parent.pid), found.inner_pid(inner)) == (parent.pid, 1)
        assert inner in found.called(1)
        parent.kill()


def test_a_child_is_found_by_the_session_that_its_dead_parent_led(processes):
    script = "sleep 1000 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        assert processes.sessions()[parent.pid] == (child,)
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: parent.pid not in processes.sessions())


def test_the_processes_that_have_a_file_open_are_told(processes, tmp_path):
    path, other = tmp_path / "conversation.db", tmp_path / "other"
    other.touch()
    with path.open("w"):
        assert processes.holders([str(path), str(other)]) == {str(path): (os.getpid(),)}


def test_who_listens_on_a_port_is_told(processes):
    listening = "import os, socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    with subprocess.Popen([sys.executable, "-c", f"{listening}; os.read(0, 1)"], **PIPES) as child:
        port = int(child.stdout.readline())
        assert processes.listeners(port) == (ListeningProcess(os.geteuid(), child.pid),)
        child.communicate(b"x")
    assert processes.listeners(port) == ()


def test_the_start_of_a_process_is_known_to_about_a_second(processes):
    before = RealClock().now().timestamp()
    with subprocess.Popen(["sleep", "1000"]) as child:
        since = processes.since(child.pid)
        child.kill()
    assert isinstance(since, Present)
    assert abs(since.value - before) <= 2


def test_open_files_are_told_by_their_paths(processes, tmp_path):
    path = tmp_path / "lock file"
    with path.open("w"):
        opened = processes.open_files(os.getpid())

    assert isinstance(opened, Present)
    assert str(path) in opened.value
    after = processes.open_files(os.getpid())
    assert isinstance(after, Present)
    assert str(path) not in after.value


LOCKING = """
import fcntl, os, signal, sys
with open(sys.argv[1], "w") as lock, open(sys.argv[2], "w") as shared, open(sys.argv[3], "w"):
    fcntl.flock(lock, fcntl.LOCK_EX)
    fcntl.flock(shared, fcntl.LOCK_SH)
    if os.fork() == 0:
        signal.pause()
    print("locked", flush=True)
    signal.pause()
"""


def test_what_a_family_has_locked_for_itself_is_told_and_compared(tmp_path):
    """Not what is locked for many, or only open; nor of a child that got the descriptor."""
    paths = [str(tmp_path / name) for name in ("a lock", "shared", "open")]
    command = [sys.executable, "-c", LOCKING, *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout.readline() == "locked\n"
        processes = RealProcesses()
        assert processes.locked_files(child.pid) == (paths[0],)
        [lock] = processes.locks().value[child.pid]
        assert lock.startswith(f"{child.pid} ")
        assert lock.endswith(f":{os.stat(paths[0]).st_ino}")
        os.killpg(child.pid, signal.SIGKILL)
    wait_until(lambda: child.pid not in processes.locks().value)
    assert processes.locked_files(child.pid) == ()


def test_a_process_that_is_gone_has_no_open_files(processes):
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert processes.open_files(child.pid) == ABSENT


def test_who_reads_the_keys_of_a_terminal_is_told(processes):
    if isinstance(processes._table, ByPsutil) and not shutil.which("ps"):
        pytest.skip("no ps (procps), which tells it where there is no /proc")
    pid, terminal = os.forkpty()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", "sleep 1000; exit"])  # noqa: S606 - the shell is what is tested
    try:
        reading = (("sh", "-c", "sleep 1000; exit"), ("sleep", "1000"))
        wait_until(lambda: processes.foreground(pid) == reading)
    finally:
        os.close(terminal)
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_what_runs_without_a_terminal_reads_no_keys(side):
    assert side.processes.foreground(side.pid) == ()


def test_a_program_is_asked_for_its_version_in_its_own_environment(tmp_path):
    program = tmp_path / "told"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "$EDITION (Told)" && echo more\n')
    program.chmod(0o755)

    assert RealProcesses().version(str(program), {"EDITION": "2.1"}) == Present("2.1 (Told)")


def test_a_program_is_asked_for_its_version_once_and_again_when_it_is_replaced_or_has_failed(tmp_path):
    program, asked = tmp_path / "told", tmp_path / "asked"

    def put(body: str) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_text(f"#!/bin/sh\necho >>{asked}\n{body}\n")
        fresh.chmod(0o755)
        fresh.replace(program)

    def told() -> list[object]:
        said = RealProcesses().version(str(program), {}), printed_version(str(program), {})
        return [getattr(each, "value", None) for each in said]

    put("exit 1")
    assert told() == [None, None]
    put("echo 2.1; echo more")
    assert told() == told() == ["2.1", "2.1\nmore"]
    put("echo 2.2")
    assert told() == ["2.2", "2.2"]
    assert len(asked.read_text().splitlines()) == 2 + 1 + 1


@pytest.mark.parametrize("body", ["exit 1", "true", "echo 2.1; exit 3"])
def test_a_program_that_says_no_version_leaves_it_unknown(body, tmp_path):
    program = tmp_path / "silent"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)

    assert isinstance(RealProcesses().version(str(program), {}), Unknown)
    assert isinstance(RealProcesses().version(str(tmp_path / "none"), {}), Unknown)


def test_the_socket_that_a_process_waits_at_is_told_although_nothing_is_there_any_more(processes, tmp_path):
    path = tmp_path / "door"
    script = f"import socket; s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r}); s.listen(); print(); input()"
    child = subprocess.Popen([sys.executable, "-c", script], **PIPES)
    child.stdout.readline()
    path.unlink()
    assert processes.socket_path(child.pid) == str(path)
    child.communicate(b"\n")
    assert processes.socket_path(child.pid) == ""


def test_our_own_processes_have_no_other_user(side):
    assert side.processes.user(side.pid) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts programs of another user")
def test_another_users_process_is_named_after_that_user(processes):
    child = subprocess.Popen(["sleep", "1000"], user=65534, group=65534)
    wait_until(lambda: processes.user(child.pid) == "nobody")
    child.kill()
    child.communicate()


def test_a_process_that_proc_hides_is_not_taken_for_gone(monkeypatch):
    """hidepid in proc(5): the entries of other users' processes are not there."""

    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    assert isinstance(RealProcesses().started(2**22 + 1), Unknown)


def test_a_program_that_does_not_answer_is_asked_once_in_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(versions, "_SECONDS", 0.2)
    program, asked = tmp_path / "mine", tmp_path / "asked"
    program.write_text(f"#!/bin/sh\necho >>{asked}\nexec sleep 100\n")
    program.chmod(0o755)
    for agent in ("a", "b"):
        found = printed_version(str(program), {"AGENT": agent, "PATH": os.defpath})
        assert isinstance(found, Unknown)
    assert len(asked.read_text().splitlines()) == 1

    program.write_text("#!/bin/sh\necho 1.2.3\n")  # replaced
    assert printed_version(str(program), {}) == Present("1.2.3")

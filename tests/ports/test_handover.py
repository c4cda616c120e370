"""Secrets reach their agents from whatever folder there is; without one, only agents with secrets fail."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from waiting import PATIENCE, wait_until

from reconciler.model.errors import ReconcilerError
from reconciler.model.snapshot import Pane
from reconciler.ports import launcher
from reconciler.ports.clock import RealClock
from reconciler.ports.temporary import sweep_private_folders
from reconciler.ports.tmux import RealTmux
from reconciler.ports.tmux import handover as module
from reconciler.ports.tmux.handover import Handover
from reconciler.ports.world import Failure, NewSession

SECRETS = {"TOKEN": "s3cr3t", "EMPTY": "", "LINES": "a\nb=c"}


@pytest.fixture
def short() -> Iterator[Path]:
    """A temporary folder whose path leaves room for the name of a socket."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        yield Path(folder)


def handed_over(handover: Handover) -> dict[str, str]:
    words = handover.launch(SECRETS, ("true",))
    return launcher.take(words[4], words[5])


def unusable(tmp_path: Path, how: str) -> str:
    folder = tmp_path / "runtime"
    if how == "a file":
        folder.touch()
    elif how == "others may write":
        folder.mkdir()
        folder.chmod(0o777)
    elif how == "a long path":
        folder = folder / ("x" * 120)
        folder.mkdir(parents=True)
    elif how == "another user's":
        folder.mkdir()
        os.chown(folder, 12345, 12345)
    return str(folder)


@pytest.mark.parametrize("how", ["missing", "a file", "others may write", "a long path", "another user's"])
def test_a_folder_that_cannot_be_used_is_passed_over(tmp_path: Path, how: str):
    if how == "another user's" and os.geteuid():
        pytest.skip("only root gives files away")
    runtime = unusable(tmp_path, how)
    (tmp_path / "other").mkdir()

    with Handover({"XDG_RUNTIME_DIR": runtime, "TMPDIR": f"{tmp_path}/other"}, RealClock()) as handover:
        assert handed_over(handover) == SECRETS

    assert os.listdir(tmp_path / "other") == []


def test_secrets_are_given_once_and_only_for_their_key(tmp_path: Path):
    with Handover({"TMPDIR": str(tmp_path)}, RealClock()) as handover:
        words = handover.launch(SECRETS, ("true",))
        with pytest.raises(OSError, match="did not arrive"):
            launcher.take(words[4], "0" * 32)
        assert launcher.take(words[4], words[5]) == SECRETS
        with pytest.raises(OSError, match="did not arrive"):
            launcher.take(words[4], words[5])


def test_nothing_but_a_socket_is_ever_in_the_folder(short: Path):
    with Handover({"TMPDIR": str(short)}, RealClock()) as handover:
        handover.launch(SECRETS, ("true",))
        [folder] = short.iterdir()
        [door] = folder.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert door.is_socket()

    assert os.listdir(short) == []


def test_a_launcher_whose_caller_has_ended_says_so_and_ends(tmp_path: Path):
    command = [sys.executable, "-I", "-S", launcher.__file__, f"{tmp_path}/door", "0" * 32, "--", "true"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)

    assert done.returncode == 127
    assert done.stderr == f"'true': {launcher._MISSING}\n"


def test_the_folder_of_a_dead_command_is_removed(tmp_path: Path):
    program = "from reconciler.ports.temporary import writer; print(writer())"
    dead = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / f"reconciler-{dead}.abcd").mkdir()
    older = tmp_path / "reconciler-abcd1234"
    older.mkdir()
    (older / "tmp1234").write_text("TOKEN=s3cr3t")
    os.utime(older, (0, 0))
    (tmp_path / "reconciler-new").mkdir()

    sweep_private_folders({"TMPDIR": str(tmp_path)})

    assert os.listdir(tmp_path) == ["reconciler-new"]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder can be made anywhere."""

    def no_room(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", no_room)


@pytest.mark.usefixtures("full")
def test_without_any_folder_the_way_out_is_told():
    with (
        Handover({}, RealClock()) as handover,
        pytest.raises(ReconcilerError, match="cannot be passed to it") as raised,
    ):
        handover.launch(SECRETS, ("true",))
    assert ": No space left on device" in raised.value.detail
    assert "TMPDIR" in raised.value.fix


@pytest.mark.usefixtures("tmux_socket", "full")
@pytest.mark.parametrize("beside", [True, False])
def test_without_any_folder_only_agents_with_secrets_fail(tmux_socket, tmp_path: Path, beside: bool):
    tmux = RealTmux(tmux_socket, os.environ)
    knowing = NewSession("knowing", str(tmp_path), ("sleep", "1000"), secrets=SECRETS)
    plain = NewSession("plain", str(tmp_path), ("sleep", "1000"))

    answers = list(tmux.start([knowing, plain] if beside else [knowing]))

    assert isinstance(answers[0], Failure)
    assert "cannot be passed to it" in answers[0].message
    assert all(isinstance(answer, Pane) for answer in answers[1:])
    command = ["tmux", "-S", tmux_socket.path, "list-sessions", "-F", "#S"]
    wait_until(lambda: "_reconciler" not in subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def test_no_thread_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def none_left(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module.Thread, "start", none_left)

    with (
        Handover({"TMPDIR": str(tmp_path)}, RealClock()) as handover,
        pytest.raises(ReconcilerError, match="cannot be passed to it"),
    ):
        handover.launch(SECRETS, ("true",))
    assert os.listdir(tmp_path) == []

"""One tar of wheels: what is one, and what becomes of the hosts that install from it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from reconciler.fleet.play import Told
from reconciler.fleet.set_up import work_of
from reconciler.fleet.wheels import download, read_wheels
from reconciler.model.errors import ReconcilerError, UsageError

OURS = "agent_reconciler-1.2.0-py3-none-any.whl"
COMPILED = "msgspec-0.23.0-cp312-cp312-manylinux2014_x86_64.whl"
FOR_ANY = "cryptography-50.0.2-cp311-abi3-manylinux_2_34_x86_64.whl"


def tar(folder: Path, *names: str, kind: bytes = tarfile.REGTYPE) -> str:
    path = folder / "w.tar"
    with tarfile.open(path, "w") as made:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = kind
            made.addfile(member, io.BytesIO(b""))
    return str(path)


def test_a_tar_says_its_version_and_the_python_that_it_is_for(tmp_path: Path):
    found = read_wheels(tar(tmp_path, OURS, FOR_ANY, COMPILED))
    assert (found.version, found.python) == ("1.2.0", "3.12")
    assert read_wheels(tar(tmp_path, OURS, FOR_ANY)).python == "", "any Python will do"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([COMPILED], "has no wheel of agent-reconciler"),
        ([OURS, "../evil.whl"], "has more than wheels in it"),
        ([OURS, "/etc/passwd"], "has more than wheels in it"),
        ([OURS, "setup.py"], "has more than wheels in it"),
        ([OURS, OURS.replace("1.2.0", "1.3.0")], "has no wheel of agent-reconciler"),
    ],
)
def test_a_tar_with_anything_else_is_refused(tmp_path: Path, names: list[str], said: str):
    with pytest.raises(UsageError, match=said):
        read_wheels(tar(tmp_path, *names))


def test_links_and_files_that_are_no_tar_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="more than wheels"):
        read_wheels(tar(tmp_path, OURS, kind=tarfile.SYMTYPE))
    (tmp_path / "x").write_text("no tar")
    with pytest.raises(UsageError, match="not a tar of wheels"):
        read_wheels(str(tmp_path / "x"))
    with pytest.raises(UsageError, match="there is no"):
        read_wheels(str(tmp_path / "y"))


@pytest.mark.parametrize(("python", "platform"), [("3", ""), ("3.12; x", ""), ("", "../x"), ("", "--index-url=x")])
def test_words_that_cannot_be_a_python_or_a_platform_reach_no_pip(tmp_path: Path, python: str, platform: str):
    with pytest.raises(UsageError, match="is not a"):
        download(str(tmp_path), python, platform, {"PATH": "/nonexistent"})


def test_a_wheel_that_pip_does_not_find_is_named_and_nothing_is_written(tmp_path: Path):
    env = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with pytest.raises(ReconcilerError) as error:
        download(str(tmp_path / "dist"), "", "", env)
    assert "agent-reconciler" in error.value.detail
    assert not (tmp_path / "dist").exists()


# --- what became of each host -----------------------------------------------------------------


def line(host: str, event: str, task: str = "", **more: object) -> bytes:
    return json.dumps({"host": host, "event": event, "task": task, **more}).encode()


@pytest.mark.parametrize(
    ("lines", "outcome", "said"),
    [
        ([], "unknown", "nothing was heard of it"),
        ([line("h", "begun")], "unknown", "nothing was heard of it"),
        ([line("h", "ok", "role : First")], "unknown", "it ended after: role : First"),
        ([line("h", "ok", "role : First"), line("h", "ok", "role : Last")], "ok", ""),
        ([line("h", "failed", "role : First", msg="no Python")], "failed", "no Python"),
        ([line("h", "failed", "x", msg="non-zero return code", said="pip: no")], "failed", "pip: no"),
        ([line("h", "unreachable", "x", msg="no route")], "unreachable", "no route"),
        ([b"{", line("h", "ok", "Last"), b"\xff"], "ok", ""),
    ],
)
def test_the_last_task_of_a_host_decides(lines: list[bytes], outcome: str, said: str):
    found = work_of(["h"], Told(lines, interrupted=False, said=""), "Last")
    assert (found[0].outcome.value, found[0].said) == (outcome, said)

"""Files of our own: no link, no pipe, the owner kept, nothing left, and file systems that know little."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.observed import Unknown
from reconciler.ports import lockfile, own_files, temporary
from reconciler.ports.files import RealFiles
from reconciler.state import cache, history

OWNER = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")


@pytest.fixture
def fenced(tmp_path: Path) -> Path:
    """A folder of ours in a project, with a folder of the user's beside the project."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("precious")
    project = tmp_path / "project"
    (project / ".ours").mkdir(parents=True)
    own_files.fence(str(project), [".ours"], "--ours {}")
    return project / ".ours"


WRITERS = {
    "write": lambda path: RealFiles().write(path, b"new"),
    "copy": lambda path: RealFiles().copy("/etc/hostname", path),
    "append": lambda path: history.append(path, [history.HistoryEntry("now", "a.b.c", "s", "stop")]),
    "create": lambda path: lockfile.create(path, b"new"),
    "folder": lambda path: RealFiles().make_folder(f"{path}/inner"),
    "turn": lambda path: lockfile.one_at_a_time(path).__enter__(),
}


@pytest.mark.parametrize("write", WRITERS)
def test_no_writer_goes_through_a_link_in_a_folder_of_ours(fenced: Path, write: str):
    (fenced / "name").symlink_to("../../victim" if write in {"folder", "turn"} else "../../victim/file")

    with pytest.raises(Refused, match="is a symbolic link") as refused:
        WRITERS[write](f"{fenced}/name")

    assert f"rm {fenced}/name" in refused.value.fix
    assert (fenced / "name").is_symlink()
    assert [path.name for path in (fenced / "../../victim").resolve().iterdir()] == ["file"]
    assert (fenced / "../../victim/file").read_text() == "precious"


@pytest.mark.parametrize("write", WRITERS)
def test_no_writer_goes_through_a_folder_of_ours_that_is_a_link(fenced: Path, write: str):
    fenced.rmdir()
    fenced.symlink_to("../victim")

    with pytest.raises(Refused, match="is a symbolic link") as refused:
        WRITERS[write](f"{fenced}/deep/name" if write == "folder" else f"{fenced}/name")

    assert f"--ours {fenced.resolve()}" in refused.value.fix
    assert [path.name for path in fenced.resolve().iterdir()] == ["file"]


def test_what_was_parsed_is_not_remembered_through_a_link(fenced: Path):
    (fenced / "cache").symlink_to("../../victim")

    cache.remember(f"{fenced}/cache", "0" * 64, {})

    assert os.listdir(fenced / "cache") == ["file"]


def test_a_folder_that_the_user_has_chosen_may_be_a_link(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    own_files.fence(f"{tmp_path}/link", ["."])

    RealFiles().make_folder(f"{tmp_path}/link/sub")
    RealFiles().write(f"{tmp_path}/link/sub/file", b"x")

    assert (tmp_path / "real/sub/file").read_text() == "x"


def test_a_link_is_found_before_anything_is_done(fenced: Path):
    own_files.refuse_links(str(fenced))
    (fenced / "later").symlink_to("/etc")

    with pytest.raises(Refused, match="later is a symbolic link"):
        own_files.refuse_links(str(fenced))


@pytest.mark.parametrize("special", ["pipe", "folder", "device"])
def test_only_a_regular_file_is_read_or_written(fenced: Path, special: str):
    path = fenced / "name"
    {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda p: p.symlink_to("/dev/zero")}[special](path)

    assert isinstance(lockfile.read(str(path)), Unknown)
    assert isinstance(RealFiles().read(str(path)), Unknown)
    with pytest.raises(ReconcilerError):
        list(history.read(str(path), "a.b.c"))
    for write in ("write", "append"):
        with pytest.raises(ReconcilerError):
            WRITERS[write](str(path))
    with pytest.raises(ReconcilerError, match="name") as raised:
        lockfile.create(str(path), b"x")
    assert f"{path}" in raised.value.fix
    assert os.listdir(fenced) == ["name"]


def test_a_report_is_not_put_in_the_place_of_a_device(tmp_path: Path):
    (tmp_path / "out").symlink_to("/dev/null")

    with pytest.raises(ReconcilerError, match="cannot write"):
        RealFiles().write(f"{tmp_path}/out", b"x")

    assert Path("/dev/null").is_char_device()


# --- what killed writers left ------------------------------------------------------------------


def left(folder: Path, name: str, writer: str) -> Path:
    path = folder / f".{name}.{writer}.0123abcd.tmp"
    path.write_text("half")
    return path


@pytest.fixture(scope="module")
def dead() -> str:
    """The mark of a writer that has ended."""
    program = "from reconciler.ports.temporary import writer; print(writer())"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_the_next_write_removes_what_a_dead_writer_left(fenced: Path, dead: str):
    left(fenced, "other.json", dead)
    living = left(fenced, "other.json", temporary.writer())
    elsewhere = left(fenced, "other.json", f"{dead[:-8]}{'0' * 8}")
    (fenced / ".other.json.tmp").touch()
    (fenced / "folder.0123abcd.tmp").mkdir()

    RealFiles().write(f"{fenced}/name", b"x")

    kept = {"name", ".other.json.tmp", "folder.0123abcd.tmp", living.name, elsewhere.name}
    assert set(os.listdir(fenced)) == kept


def test_what_another_machine_left_goes_when_it_is_old(fenced: Path, dead: str):
    old = left(fenced, "file", f"{dead[:-8]}{'0' * 8}")
    before = fenced / "lock.4242.0123abcd"  # as older versions called it
    before.touch()
    for path in (old, before):
        os.utime(path, (0, 0))

    own_files.sweep_tree(str(fenced))

    assert os.listdir(fenced) == []


def test_in_a_folder_of_the_users_only_what_was_left_of_that_file_goes(tmp_path: Path, dead: str):
    mine, other = left(tmp_path, "plan.yaml", dead), left(tmp_path, "other.yaml", dead)
    foreign = tmp_path / "notes.0123abcd.tmp"
    foreign.touch()
    os.utime(foreign, (0, 0))

    RealFiles().write(f"{tmp_path}/plan.yaml", b"x")

    assert not mine.exists()
    assert other.exists()
    assert foreign.exists()


# --- whose they are ----------------------------------------------------------------------------


@as_root
def test_what_root_makes_belongs_to_the_owner_of_the_folder(fenced: Path):
    os.chown(fenced, OWNER, OWNER)
    (fenced / "mine").touch()
    os.chown(fenced / "mine", OWNER, OWNER)

    RealFiles().make_folder(f"{fenced}/sub/deeper", 0o700)
    RealFiles().write(f"{fenced}/sub/deeper/file", b"x")
    RealFiles().write(f"{fenced}/mine", b"x")
    RealFiles().copy("/etc/hostname", f"{fenced}/copy")
    cache.remember(f"{fenced}/cache/registry", "0" * 64, {})
    for write in ("append", "create"):
        WRITERS[write](f"{fenced}/{write}")

    owners = {path: (path.stat().st_uid, path.stat().st_gid) for path in fenced.rglob("*")}
    assert len(owners) == 10
    assert set(owners.values()) == {(OWNER, OWNER)}


@as_root
def test_a_manifest_that_root_edits_keeps_its_owner(tmp_path: Path):
    path = tmp_path / "reconciler.yaml"
    path.touch()
    os.chown(path, OWNER, OWNER)

    RealFiles().write(str(path), b"x")

    assert path.stat().st_uid == OWNER


# --- file systems that know little -------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
def test_a_file_is_made_once_without_hard_links(fenced: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def no_link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", no_link)

    assert lockfile.create(f"{fenced}/lock", b"1")
    assert not lockfile.create(f"{fenced}/lock", b"2")
    assert lockfile.read(f"{fenced}/lock").value == b"1"
    assert os.listdir(fenced) == ["lock"]


def test_a_file_is_written_where_modes_and_folders_cannot_be_set(fenced: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.fsync

    def refuse(descriptor: int, *_: object) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    def no_modes(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(os, "fchmod", no_modes)

    RealFiles().write(f"{fenced}/file", b"x", 0o644)

    assert (fenced / "file").read_text() == "x"


def test_a_file_system_without_locks_is_named_as_that(fenced: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lockfile.fcntl, "flock", no_locks)

    with (
        pytest.raises(ReconcilerError, match="its file system has no locks") as raised,
        lockfile.one_at_a_time(str(fenced)),
    ):
        pytest.fail("locked")
    assert "--registry" in raised.value.fix


def test_a_disk_that_turns_read_only_is_told_as_it_is(fenced: Path, monkeypatch: pytest.MonkeyPatch):
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", read_only)
    monkeypatch.setattr(os, "unlink", read_only)

    with pytest.raises(ReconcilerError, match="cannot write") as raised:
        RealFiles().write(f"{fenced}/file", b"x")
    assert raised.value.detail == "Read-only file system"

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from killing import killed_after

from reconciler.broker.files import sets
from reconciler.broker.files.file_set import File, InvalidBrokerFiles
from reconciler.broker.files.layout import ReplacedFolder
from reconciler.model.errors import ReconcilerError

PLACE = ReplacedFolder("etc/mosquitto", "etc/last-good", "etc/staged")
OLD = {"acl": File(b"old"), "certs/key": File(b"old key"), "gone": File(b"")}
NEW = {"acl": File(b"new"), "certs/key": File(b"new key"), "certs/crt": File(b"new crt", 0o644)}


def _live(root: Path, folder: str = PLACE.live) -> dict[str, File]:
    files, problems = sets.look(str(root), folder)
    assert problems == ()
    return {path.removeprefix(f"{folder}/"): file for path, file in files.items()}


def test_a_set_replaces_the_other_as_a_whole_and_the_old_one_is_kept(tmp_path: Path) -> None:
    assert _live(tmp_path) == {}
    sets.replace(str(tmp_path), PLACE, OLD)
    assert _live(tmp_path) == OLD
    sets.replace(str(tmp_path), PLACE, NEW)
    assert _live(tmp_path) == NEW
    assert _live(tmp_path, PLACE.last_good) == OLD
    assert sorted(os.listdir(tmp_path / "etc")) == ["last-good", "mosquitto"]


def test_the_last_good_set_comes_back_and_the_other_is_kept_in_its_place(tmp_path: Path) -> None:
    sets.replace(str(tmp_path), PLACE, OLD)
    sets.replace(str(tmp_path), PLACE, NEW)
    sets.roll_back(str(tmp_path), PLACE)
    assert _live(tmp_path) == OLD
    assert _live(tmp_path, PLACE.last_good) == NEW


def test_files_and_folders_are_closed_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        sets.replace(str(tmp_path), PLACE, NEW)
    finally:
        os.umask(before)
    modes = {path.relative_to(tmp_path): path.stat().st_mode & 0o777 for path in (tmp_path / PLACE.live).rglob("*")}
    assert modes.pop(Path("etc/mosquitto/certs")) == 0o700
    assert modes.pop(Path("etc/mosquitto/certs/crt")) == 0o644
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o700


def test_edits_by_hand_are_told_by_file(tmp_path: Path) -> None:
    sets.replace(str(tmp_path), PLACE, NEW)
    assert sets.edited_files(str(tmp_path), PLACE.live) == ()
    live = tmp_path / PLACE.live
    (live / "acl").write_bytes(b"mine")
    (live / "certs/crt").unlink()
    (live / "more").touch()
    names = ("acl", "certs/crt", "more")
    assert sets.edited_files(str(tmp_path), PLACE.live) == tuple(f"etc/mosquitto/{name}" for name in names)


def test_links_and_pipes_are_told_and_never_followed(tmp_path: Path) -> None:
    live = tmp_path / PLACE.live
    live.mkdir(parents=True)
    (tmp_path / "secret").write_text("not ours to read")
    (live / "acl").symlink_to(tmp_path / "secret")
    (live / "certs").symlink_to(tmp_path)
    os.mkfifo(live / "pipe")
    files, problems = sets.look(str(tmp_path), PLACE.live)
    assert files == {}
    assert [problem.place.file.rpartition("/")[2] for problem in problems if problem.place] == ["acl", "certs", "pipe"]


def test_files_of_somebody_else_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets.replace(str(tmp_path), PLACE, {"acl": File(b"")})
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    _, problems = sets.look(str(tmp_path), PLACE.live)
    assert all("belongs to user" in problem.summary and "chown" in problem.fix for problem in problems)
    assert problems


def test_a_folder_that_others_can_change_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(InvalidBrokerFiles) as caught:
        sets.make_folder(str(shared))
    assert caught.value.fix == f"chmod go-w {shared}"


def test_a_full_disk_leaves_the_old_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets.replace(str(tmp_path), PLACE, OLD)

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ReconcilerError, match="cannot be written"):
        sets.replace(str(tmp_path), PLACE, NEW)
    assert _live(tmp_path) == OLD


# --- killed in between ------------------------------------------------------------------------


@pytest.mark.parametrize("in_one_step", [True, False], ids=["in one step", "in two renames"])
def test_killed_at_any_point_the_live_set_is_the_old_or_the_new_one(
    in_one_step: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # a kill loses nothing of what the kernel has
    if not in_one_step:
        monkeypatch.setattr(sets, "_exchange", lambda _one, _other: False)
    seen = []
    for point in range(200):
        root = tmp_path / str(point)
        for earlier in ({"acl": File(b"older")}, OLD):
            sets.replace(str(root), PLACE, earlier)
        if not killed_after(point, lambda root=root: sets.replace(str(root), PLACE, NEW)):
            break
        seen.append(_live(root))
        _expect_usable(root)
    assert len(seen) > 20
    assert all(live in (OLD, NEW) for live in seen)
    assert seen.index(NEW) > seen.index(OLD)


def _expect_usable(root: Path) -> None:
    """A broker that starts now finds a set in its place, and the next replacement leaves nothing behind."""
    sets.recover(str(root), PLACE)
    assert (root / PLACE.live / "acl").read_bytes() in (b"old", b"new")
    sets.replace(str(root), PLACE, NEW)
    assert _live(root) == NEW
    assert sorted(os.listdir(root / "etc")) == ["last-good", "mosquitto"]

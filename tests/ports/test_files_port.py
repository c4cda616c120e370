"""What every Files promises: each test runs on the disk with git and on the fake."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from fakes.files import FakeFiles
from waiting import wait_until

from reconciler.model.desired import Git
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.obstacle import ObstacleKind, describe_obstacle
from reconciler.model.snapshot import Folder, Worktree
from reconciler.ports import files as real
from reconciler.ports.files import RealFiles
from reconciler.ports.world import Files


@dataclass
class Side:
    files: Files
    root: str
    repo: str  # a repository with the branches main and side
    bar: Callable[[str], object]  # makes a path unreadable
    soil: Callable[[str], object]  # leaves uncommitted work in a worktree
    commit: Callable[[str], object]  # leaves an unpushed commit in a worktree
    delete: Callable[[str], object]  # deletes a worktree's folder behind git's back

    def put(self, path: str, data: bytes = b"") -> str:
        folder = os.path.dirname(f"{self.root}/{path}")
        self.files.make_folder(folder)
        self.files.write(f"{self.root}/{path}", data)
        return f"{self.root}/{path}"

    def add_worktree(self, name: str = "tree", branch: str = "side", base: str = "") -> str:
        self.files.add_worktree(f"{self.root}/{name}", Git(self.repo, branch, base))
        return f"{self.root}/{name}"


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def real_side(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    git(repo, "branch", "side")

    def bar(path):  # a link to itself: even root cannot read it
        os.symlink(path, path)

    def soil(path):
        Path(path, "new").write_text("x")

    def commit(path):
        git(path, "commit", "-q", "--allow-empty", "-m", "second")

    return Side(RealFiles(), str(tmp_path), str(repo), bar, soil, commit, shutil.rmtree)


@pytest.fixture
def fake_side():
    files = FakeFiles()
    files.add_repo("/lab/repo", "side")

    def bar(path):
        files.unreadable[path] = "too many levels of symbolic links"

    return Side(
        files,
        "/lab",
        "/lab/repo",
        bar,
        lambda path: files.change_worktree(path, dirty=1),
        lambda path: files.change_worktree(path, unpushed=1),
        files.lose_worktree,
    )


@pytest.fixture(params=["real_side", "fake_side"])
def side(request) -> Side:
    return request.getfixturevalue(request.param)


def test_a_folder_is_empty_until_something_is_in_it(side):
    path = f"{side.root}/a/b"
    assert side.files.folder(path) == ABSENT

    side.files.make_folder(path)
    side.files.make_folder(path)
    assert side.files.folder(path) == Present(Folder(is_folder=True, empty=True))

    side.put("a/b/file")
    assert side.files.folder(path) == Present(Folder(is_folder=True, empty=False))


@pytest.fixture
def at_once(monkeypatch):
    """Marks count at once, and not only some seconds after a change."""
    monkeypatch.setattr(real, "_TICK", -60)


@pytest.mark.usefixtures("at_once")
def test_a_mark_stays_as_long_as_the_file_does(side):
    path = f"{side.root}/a/file"
    nothing = side.files.mark(path)
    side.put("a/file", b"one")
    one = side.files.mark(path)
    assert one == side.files.mark(path)

    side.put("a/file", b"two")
    assert len({nothing, one, side.files.mark(path)}) == 3


@pytest.mark.usefixtures("at_once")
def test_the_mark_of_a_folder_is_another_when_a_file_comes(side):
    side.put("a/file0")
    before = side.files.mark(f"{side.root}/a")
    assert before is not None

    names = (f"a/file{number}" for number in count(1))
    wait_until(lambda: side.put(next(names)) and side.files.mark(f"{side.root}/a") != before)


@pytest.mark.usefixtures("at_once")
def test_what_cannot_be_looked_at_has_no_mark(side):
    side.bar(f"{side.root}/barred")
    assert side.files.mark(f"{side.root}/barred") is None


@pytest.mark.usefixtures("at_once")
def test_a_file_that_is_rewritten_in_place_has_another_mark_whatever_time_it_bears(tmp_path):
    path = tmp_path / "file"
    path.write_text("one")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    os.utime(path, ns=times)
    before = RealFiles().mark(str(path))

    def rewritten():
        path.write_text("two")
        os.utime(path, ns=times)
        return RealFiles().mark(str(path)) != before

    wait_until(rewritten)


def test_a_file_has_no_mark_right_after_it_was_written(tmp_path):
    """Whatever is written in the same tick of the clock would bear the same times."""
    (tmp_path / "file").write_text("one")
    assert RealFiles().mark(str(tmp_path / "file")) is None
    assert RealFiles().mark(real.__file__)


def test_a_file_is_no_folder(side):
    path = side.put("file")

    assert side.files.folder(path) == Present(Folder(is_folder=False))
    assert side.files.folder(f"{path}/below") == ABSENT


def test_what_cannot_be_looked_at_is_unknown(side):
    barred = f"{side.root}/barred"
    side.bar(barred)

    assert isinstance(side.files.folder(barred), Unknown)
    assert isinstance(side.files.worktree(barred), Unknown)
    assert isinstance(side.files.read(barred), Unknown)
    assert isinstance(side.files.contains(barred, b"x"), Unknown)


def test_a_written_file_is_read_back_and_replaced(side):
    path = side.put("file", b"old content")
    side.files.write(path, b"new")

    assert side.files.read(path) == Present(b"new")
    assert side.files.read(path, limit=2) == Present(b"ne")
    assert side.files.read(path, limit=1, start=1) == Present(b"e")
    assert side.files.read(path, start=1000) == Present(b"")
    assert side.files.read(f"{side.root}/nothing") == ABSENT


def test_a_tree_is_itself_and_all_that_is_in_it(side):
    side.put("a/b/one", b"1234")
    side.put("a/two")
    below = f"{side.root}/a"

    found = side.files.tree(below)
    assert isinstance(found, Present)
    assert [(entry.path.removeprefix(below), entry.kind.value) for entry in found.value] == [
        ("", "folder"),
        ("/b", "folder"),
        ("/b/one", "file"),
        ("/two", "file"),
    ]
    assert [entry.size for entry in found.value if entry.path.endswith("one")] == [4]
    assert all(entry.mine and entry.links == 1 for entry in found.value)
    assert side.files.tree(f"{below}/nothing") == ABSENT


def test_a_file_or_a_folder_is_deleted_with_all_that_is_in_it_and_nothing_else(side):
    kept, path = side.put("a/kept"), side.put("a/b/one")

    side.files.delete(f"{side.root}/a/b", f"{side.root}/a")
    side.files.delete(f"{side.root}/a/b", f"{side.root}/a")
    assert side.files.read(path) == ABSENT
    assert side.files.folder(f"{side.root}/a/b") == ABSENT
    assert side.files.read(kept) == Present(b"")
    with pytest.raises(ReconcilerError):
        side.files.delete(kept, f"{side.root}/b")
    assert side.files.read(kept) == Present(b"")


@pytest.mark.parametrize("path", ["home/link", "home/folder/one", "home/twice", "home/../other/one", "home"])
def test_nothing_is_deleted_that_is_not_plainly_below_the_root(tmp_path, path):
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        folder.mkdir()
    (other / "one").write_text("precious")
    (home / "link").symlink_to(other / "one")
    (home / "folder").symlink_to(other)
    (other / "two").write_text("precious")
    os.link(other / "two", home / "twice")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ReconcilerError):
        RealFiles().delete(str(tmp_path / path), str(home))
    assert sorted(tmp_path.rglob("*")) == before
    assert (other / "one").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_file_of_another_user_is_not_deleted(tmp_path):
    (tmp_path / "theirs").write_text("precious")
    os.chown(tmp_path / "theirs", 1, 1)

    with pytest.raises(ReconcilerError, match="cannot delete"):
        RealFiles().delete(str(tmp_path / "theirs"), str(tmp_path))
    assert (tmp_path / "theirs").exists()


def test_links_in_a_tree_are_told_and_go_without_what_they_lead_to(tmp_path):
    (tmp_path / "precious").write_text("x")
    inside = tmp_path / "home" / "folder"
    inside.mkdir(parents=True)
    (inside / "link").symlink_to(tmp_path / "precious")

    assert [entry.kind.value for entry in RealFiles().tree(str(inside)).value] == ["folder", "link"]
    RealFiles().delete(str(inside), str(tmp_path / "home"))
    assert (tmp_path / "precious").exists()


def test_a_folder_is_not_read_nor_overwritten(side):
    assert isinstance(side.files.read(side.repo), Unknown)
    with pytest.raises(ReconcilerError):
        side.files.write(side.repo, b"x")


def test_a_file_is_not_written_where_no_folder_is(side):
    with pytest.raises(ReconcilerError):
        side.files.write(f"{side.root}/nowhere/file", b"x")


def test_a_folder_is_not_made_in_the_place_of_a_file(side):
    path = side.put("file")

    with pytest.raises(ReconcilerError):
        side.files.make_folder(path)


def test_only_an_empty_folder_is_removed(side):
    path = side.put("a/file")

    with pytest.raises(ReconcilerError):
        side.files.remove_folder(f"{side.root}/a")
    assert side.files.read(path) == Present(b"")

    side.files.make_folder(f"{side.root}/b")
    side.files.remove_folder(f"{side.root}/b")
    assert side.files.folder(f"{side.root}/b") == ABSENT
    with pytest.raises(ReconcilerError):
        side.files.remove_folder(f"{side.root}/b")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("store/*/a.jsonl", ["store/x/a.jsonl", "store/y/a.jsonl"]),
        ("store/x/*", ["store/x/a.jsonl", "store/x/b.jsonl"]),
        ("store/x/.*", ["store/x/.hidden"]),
        ("store/[xz]/?.jsonl", ["store/x/a.jsonl", "store/x/b.jsonl"]),
        ("store/x/a.jsonl", ["store/x/a.jsonl"]),
        ("store/*", ["store/file", "store/x", "store/y"]),
        ("store/x/*.none", []),
        ("store/x/none.jsonl", []),
    ],
)
def test_files_are_found_by_pattern(side, pattern, names):
    for name in ("x/b.jsonl", "x/a.jsonl", "x/.hidden", "y/a.jsonl", "file"):
        side.put(f"store/{name}")

    assert side.files.find(f"{side.root}/{pattern}") == Present(tuple(f"{side.root}/{name}" for name in names))


def test_a_search_in_a_missing_folder_is_absent(side):
    assert side.files.find(f"{side.root}/nothing/*.jsonl") == ABSENT
    assert side.files.find(f"{side.root}/nothing/deep/*.jsonl") == ABSENT


def test_a_search_that_cannot_look_everywhere_is_unknown(side):
    side.put("store/x/a.jsonl")
    side.bar(f"{side.root}/store/barred")

    assert isinstance(side.files.find(f"{side.root}/store/*/*.jsonl"), Unknown)
    assert isinstance(side.files.find(f"{side.root}/store/barred/*.jsonl"), Unknown)
    assert isinstance(side.files.find(f"{side.root}/store/barred/a.jsonl"), Unknown)


def test_a_needle_is_found(side):
    path = side.put("file", b"hay needle hay")

    assert side.files.contains(path, b"needle") == Present(True)
    assert side.files.contains(path, b"pin") == Present(False)
    assert side.files.contains(f"{side.root}/nothing", b"pin") == ABSENT


def test_a_worktree_is_seen_cheaply_and_in_full(side):
    path = side.add_worktree()

    assert side.files.folder(path).value.worktree == Worktree(side.repo, "side")
    assert side.files.worktree(path) == Present(Worktree(side.repo, "side", dirty=0, unpushed=0))


def test_what_is_no_worktree_is_absent(side):
    side.files.make_folder(f"{side.root}/plain")

    for path in (f"{side.root}/plain", f"{side.root}/nothing", side.repo):
        assert side.files.worktree(path) == ABSENT
    assert side.files.folder(side.repo).value.worktree is None


def test_uncommitted_and_unpushed_work_is_counted(side):
    path = side.add_worktree()

    side.commit(path)
    assert side.files.worktree(path).value.unpushed == 1
    side.soil(path)
    assert side.files.worktree(path).value.dirty == 1


def test_a_missing_branch_is_made_from_its_base(side):
    path = side.add_worktree(branch="wt/new", base="side")

    assert side.files.worktree(path) == Present(Worktree(side.repo, "wt/new", dirty=0, unpushed=0))


@pytest.mark.parametrize(
    ("branch", "base", "kind"),
    [
        ("-f", "", ObstacleKind.BAD_BRANCH),
        ("--detach", "", ObstacleKind.BAD_BRANCH),
        ("a..b", "", ObstacleKind.BAD_BRANCH),
        ("new", "no-such-base", ObstacleKind.NO_BASE),
        ("main", "", ObstacleKind.TAKEN),
        ("main", "no-such-base", ObstacleKind.TAKEN),
    ],
)
def test_a_branch_or_base_that_cannot_be_is_refused_with_the_reason(side, branch, base, kind):
    path, wanted = f"{side.root}/tree", Git(side.repo, branch, base)
    found = side.files.obstacle(path, wanted)
    assert found is not None
    assert found.kind is kind

    with pytest.raises(ReconcilerError) as refused:
        side.files.add_worktree(path, wanted)

    assert refused.value.summary == describe_obstacle(found, path, wanted).summary
    assert side.files.folder(path) == ABSENT


def test_the_base_of_a_branch_that_exists_does_not_matter(side):
    assert side.files.obstacle(f"{side.root}/tree", Git(side.repo, "side", "no-such-base")) is None

    path = side.add_worktree(base="no-such-base")
    assert side.files.worktree(path).value.branch == "side"


def test_a_worktree_needs_a_repository_and_an_empty_place(side):
    with pytest.raises(ReconcilerError):
        side.files.add_worktree(f"{side.root}/tree", Git(f"{side.root}/nothing", "side"))
    side.put("full/file")
    with pytest.raises(ReconcilerError):
        side.add_worktree("full")


def test_only_a_clean_worktree_is_removed(side):
    clean, dirty = side.add_worktree("clean"), side.add_worktree("dirty", branch="other")
    side.soil(dirty)

    side.files.remove_worktree(clean, side.repo)
    with pytest.raises(ReconcilerError):
        side.files.remove_worktree(dirty, side.repo)

    assert side.files.folder(clean) == ABSENT
    assert side.files.worktree(dirty).value.dirty == 1


def test_a_worktree_whose_folder_was_deleted_by_hand_is_made_anew(side):
    path, other = side.add_worktree(), side.add_worktree("other", branch="other")
    side.delete(path)
    side.delete(other)

    side.add_worktree()

    assert side.files.worktree(path) == Present(Worktree(side.repo, "side", dirty=0, unpushed=0))
    with pytest.raises(ReconcilerError, match="branch other is in use"):  # its registration is not ours to remove
        side.add_worktree("third", branch="other")


# What only a disk can show.


def test_a_written_file_has_the_mode_asked_for_and_nothing_stays_beside_it(tmp_path):
    old = os.umask(0o077)
    try:
        RealFiles().write(f"{tmp_path}/private", b"x")
        RealFiles().write(f"{tmp_path}/shared", b"x", mode=0o644)
    finally:
        os.umask(old)

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"private": 0o600, "shared": 0o644}


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    RealFiles().write(f"{tmp_path}/file", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(real.os, "fsync", full)
    with pytest.raises(ReconcilerError) as failure:
        RealFiles().write(f"{tmp_path}/file", b"new")

    assert failure.value.detail == "No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_link_stays_a_link_when_it_is_written_through(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")

    RealFiles().write(f"{tmp_path}/link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    assert isinstance(RealFiles().read(f"{tmp_path}/pipe"), Unknown)


@pytest.mark.parametrize("gap", [0, 1, 5, 6, 7])
def test_a_needle_across_two_chunks_is_found(tmp_path, monkeypatch, gap):
    monkeypatch.setattr(real, "_CHUNK", 8)
    (tmp_path / "file").write_bytes(b"-" * (8 - gap) + b"needle" + b"-" * 20)

    assert RealFiles().contains(f"{tmp_path}/file", b"needle") == Present(True)
    assert RealFiles().contains(f"{tmp_path}/file", b"needles") == Present(False)


def test_commits_on_no_branch_are_not_lost_with_a_deleted_worktree(real_side):
    path = real_side.add_worktree()
    git(path, "checkout", "-q", "--detach")
    real_side.commit(path)
    head = git(path, "rev-parse", "HEAD").strip()
    shutil.rmtree(path)

    with pytest.raises(ReconcilerError, match="on no branch") as refused:
        real_side.add_worktree()

    assert refused.value.fix.endswith(f"branch NAME {head}")
    git(real_side.repo, "branch", "kept", head)
    real_side.add_worktree()
    assert Path(path, ".git").exists()


def test_a_deleted_worktree_that_is_locked_is_left_to_the_user(real_side):
    path = real_side.add_worktree()
    git(real_side.repo, "worktree", "lock", "--reason", "on a stick", path)
    shutil.rmtree(path)

    with pytest.raises(ReconcilerError, match="locked") as refused:
        real_side.add_worktree()

    assert (refused.value.detail, "worktree unlock" in refused.value.fix) == ("on a stick", True)


def test_a_branch_in_a_deleted_worktree_elsewhere_is_told_with_the_way_out(real_side):
    path = real_side.add_worktree("old tree")
    shutil.rmtree(path)

    with pytest.raises(ReconcilerError, match=r"is in use by .*old tree, which is missing") as refused:
        real_side.add_worktree("new")

    assert refused.value.fix == f"if it was deleted: git -C {real_side.repo} worktree remove '{path}'"


def test_a_detached_worktree_shows_its_commit(real_side):
    git(real_side.repo, "worktree", "add", "--detach", f"{real_side.root}/tree")
    commit = git(real_side.repo, "rev-parse", "HEAD")[:7]

    real_side.commit(f"{real_side.root}/tree")

    tree = real_side.files.worktree(f"{real_side.root}/tree").value
    assert tree.branch == git(f"{real_side.root}/tree", "rev-parse", "HEAD")[:7] != commit
    assert tree.unpushed == 1


def test_a_commit_that_a_remote_has_is_pushed(real_side):
    path = real_side.add_worktree()
    real_side.commit(path)

    git(path, "update-ref", "refs/remotes/origin/side", "HEAD")

    assert real_side.files.worktree(path).value.unpushed == 0


def test_git_is_not_led_astray_by_the_variables_of_a_hook(real_side, monkeypatch):
    path = real_side.add_worktree()
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")

    assert real_side.files.worktree(path).value.dirty == 0


def test_a_broken_worktree_is_unknown_when_git_cannot_tell(real_side):
    path = real_side.add_worktree()
    Path(real_side.repo, ".git/worktrees/tree/index").write_bytes(b"garbage")

    match real_side.files.worktree(path):
        case Unknown(reason):
            assert "git status" in reason
        case other:
            pytest.fail(f"{other}")


def test_a_missing_git_says_so(real_side, monkeypatch, tmp_path):
    path = real_side.add_worktree()
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "git is not installed" in real_side.files.worktree(path).reason


def test_a_copy_is_whole_and_the_owners_alone(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    RealFiles().copy(str(tmp_path / "big"), str(tmp_path / "copy"))

    assert (tmp_path / "copy").read_bytes() == (tmp_path / "big").read_bytes()
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(ReconcilerError, match="cannot copy"):
        RealFiles().copy(str(tmp_path / "none"), str(tmp_path / "copy"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [0o020, 0o002])
def test_what_others_may_write_is_not_trusted(tmp_path, change):
    path = tmp_path / "note"
    path.write_text("x")
    for place in (path, tmp_path):
        place.chmod(0o700)
        assert RealFiles().distrust(str(place)) == ""
        place.chmod(0o700 | change)
        assert f"chmod go-w {place}" in RealFiles().distrust(str(place))
    (tmp_path / "link").symlink_to(path)
    assert RealFiles().distrust(str(tmp_path / "link"))
    assert RealFiles().distrust(str(tmp_path / "missing")) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_another_user_is_not_trusted(tmp_path):
    os.chown(tmp_path, 1, -1)
    assert "belongs to" in RealFiles().distrust(str(tmp_path))


def program(folder: Path, name: str) -> tuple[Path, Path]:
    """A program, and the file that is there once it has run."""
    ran, path = folder / f"{name}-ran", folder / name
    path.write_text(f"#!/bin/sh\ntouch {ran}; exec cat\n")
    path.chmod(0o755)
    return path, ran


@pytest.mark.parametrize("place", ["--local", "--global"])
@pytest.mark.parametrize("key", ["clean", "smudge", "process"])
def test_filters_of_the_user_work_and_those_of_a_repository_do_not(real_side, tmp_path, key, place):
    hostile, ran = program(tmp_path, "hostile")
    git(real_side.repo, "config", place, f"filter.it.{key}", str(hostile))
    git(real_side.repo, "config", "--local", "filter.other.required", "true")
    Path(real_side.repo, ".gitattributes").write_text("*.txt filter=it\n*.md filter=other\n")
    for name in ("a.txt", "b.md"):
        Path(real_side.repo, name).write_text("x")
    git(real_side.repo, "-c", f"filter.it.{key}=", "-c", "filter.other.required=false", "add", ".")
    git(real_side.repo, "-c", f"filter.it.{key}=", "-c", "filter.other.required=false", "commit", "-qm", "files")

    with suppress(ReconcilerError):  # this is no program for `process`: git gives up on it
        path = real_side.add_worktree(branch="new", base="main")
        Path(path, "a.txt").write_text("y")
        real_side.files.worktree(path)

    assert ran.exists() == (place == "--global")


@pytest.mark.parametrize(
    "name", ["core.fsmonitor", "core.hooksPath", "hook", "core.alternateRefsCommand", "core.pager"]
)
def test_git_runs_no_program_of_the_repository(real_side, tmp_path, name):
    hostile, ran = program(tmp_path, "post-checkout")
    if name == "hook":
        hostile.rename(Path(real_side.repo, ".git", "hooks", "post-checkout"))
    else:
        git(real_side.repo, "config", name, str(tmp_path if name == "core.hooksPath" else hostile))

    path = real_side.add_worktree()
    real_side.soil(path)
    dirty = real_side.files.worktree(path).value.dirty
    Path(path, "new").unlink()
    real_side.files.remove_worktree(path, real_side.repo)

    assert dirty == 1
    assert not ran.exists()


def test_a_partial_clone_is_not_fetched_into_by_the_program_of_its_repository(real_side, tmp_path):
    hostile, ran = program(tmp_path, "hostile")
    Path(real_side.repo, "big").write_text("x")
    git(real_side.repo, "add", ".")
    git(real_side.repo, "commit", "-qm", "big")
    git(real_side.repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{real_side.repo}", "partial")
    partial = tmp_path / "partial"
    git(partial, "config", "remote.origin.url", "ssh://host/repo")
    git(partial, "config", "core.sshCommand", str(hostile))

    with pytest.raises(ReconcilerError):
        real_side.files.add_worktree(f"{tmp_path}/tree", Git(str(partial), "new", "main"))

    assert not ran.exists()


def test_a_repository_whose_filter_cannot_be_named_is_refused(real_side):
    path = real_side.add_worktree()
    git(real_side.repo, "config", "filter.a=b.clean", "touch pwned")

    assert isinstance(real_side.files.worktree(path), Unknown)


@pytest.mark.parametrize("number", [11, 12, 24])  # EAGAIN, ENOMEM, EMFILE
def test_a_git_that_cannot_be_started_is_not_missing(real_side, monkeypatch, number):
    path = real_side.add_worktree()

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(subprocess, "run", refuse)

    assert os.strerror(number) in real_side.files.worktree(path).reason

"""Folders that are watched, and whoever is woken by them."""

from __future__ import annotations

import os

import pytest
from waiting import PATIENCE, wait_until

from reconciler.ports.watching import FolderWatch, WakeupPipe


@pytest.fixture
def pipe():
    made = WakeupPipe()
    yield made
    made.close()


@pytest.fixture
def seen():
    return []


@pytest.fixture
def watch(pipe, seen):
    def matters(path, rewritten):
        seen.append((os.path.basename(path), rewritten))
        return not rewritten

    made = FolderWatch(pipe.wake, matters)
    yield made
    made.close()


def started(watch, folders, marker, seen):
    """The watch, once it surely sees something: it begins in its own time."""
    watch.watch(folders)

    def noticed():
        marker.write_text("x")
        marker.unlink()
        return (marker.name, False) in seen

    wait_until(noticed)


def test_a_new_file_wakes_and_a_changed_one_does_where_that_matters(tmp_path, pipe, watch, seen):
    started(watch, [str(tmp_path)], tmp_path / "marker", seen)
    file = tmp_path / "file"
    file.write_text("new")
    wait_until(lambda: ("file", False) in seen)
    assert pipe.wait(PATIENCE)
    file.write_text("changed")
    wait_until(lambda: ("file", True) in seen)


def test_other_folders_take_the_place_of_those_before(tmp_path, watch, seen):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    started(watch, [str(one)], one / "marker", seen)
    started(watch, [str(other)], other / "second", seen)
    (one / "unseen").write_text("x")
    (other / "last").write_text("x")
    wait_until(lambda: ("last", False) in seen)
    assert ("unseen", False) not in seen


def test_a_folder_that_is_not_there_is_passed_over(tmp_path, watch, seen):
    started(watch, [str(tmp_path / "nowhere"), str(tmp_path)], tmp_path / "marker", seen)


def test_many_wakeups_are_one_and_wake_also_who_comes_late(pipe):
    for _ in range(100_000):
        pipe.wake()
    assert pipe.wait(0)
    assert not pipe.wait(0)

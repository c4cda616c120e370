from __future__ import annotations

import os
import stat

import pytest

from reconciler.state.cache import KEPT, recall, remember

CONTENT = {"a": [1, "é", None, {"b": True}]}


def test_what_is_remembered_is_recalled(tmp_path):
    folder = str(tmp_path / "new" / "cache")

    remember(folder, "d1", CONTENT)

    assert recall(folder, "d1") == CONTENT
    assert recall(folder, "d2") is None
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{folder}/d1.json").st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"", b'{"a": ', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_a_miss(tmp_path, damage):
    (tmp_path / "d1.json").write_bytes(damage)

    assert recall(str(tmp_path), "d1") is None


def test_the_newest_are_kept(tmp_path):
    for number in range(KEPT + 5):
        remember(str(tmp_path), f"d{number}", number)
        os.utime(tmp_path / f"d{number}.json", (number, number))

    remember(str(tmp_path), "last", CONTENT)

    assert len(os.listdir(tmp_path)) == KEPT
    assert recall(str(tmp_path), "last") == CONTENT
    assert recall(str(tmp_path), "d0") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()

    remember(str(tmp_path / "file" / "cache"), "d1", CONTENT)

    assert recall(str(tmp_path / "file" / "cache"), "d1") is None

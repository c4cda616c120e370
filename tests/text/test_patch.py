"""Patches of a text: believed when they read back, and nothing outside of them moves."""

from __future__ import annotations

import pytest

from reconciler.model.errors import ReconcilerError
from reconciler.text.patch import Patch, Unpatchable, edited, patched, verified


def test_patches_are_put_in_wherever_they_stand_and_all_else_stays():
    patches = [Patch(4, 5, "C"), Patch(0, 1, ""), Patch(2, 2, "+"), Patch(2, 2, "-")]
    assert patched("abcdef", patches) == "b+-cdCf"


def test_patches_that_touch_are_both_put_in():
    assert patched("abcd", [Patch(0, 2, "x"), Patch(2, 4, "y")]) == "xy"


def test_patches_that_overlap_are_refused():
    with pytest.raises(Unpatchable, match="overlap"):
        patched("abcd", [Patch(0, 3, "x"), Patch(2, 4, "y")])


def test_an_edit_that_reads_back_as_what_was_meant_is_given_back():
    assert edited("1 2", [Patch(0, 1, "3")], 5, lambda text: sum(map(int, text.split()))) == "3 2"


def test_an_edit_that_reads_back_as_something_else_is_not_believed():
    with pytest.raises(Unpatchable, match="read back"):
        edited("1 2", [Patch(1, 2, "")], 3, lambda text: sum(map(int, text.split())))


@pytest.mark.parametrize("error", [ValueError("no number"), ReconcilerError("no registry")])
def test_an_edit_that_cannot_be_read_back_is_not_believed(error):
    def read(_text):
        raise error

    with pytest.raises(Unpatchable, match="no "):
        verified("x", 1, read)

"""`drift --class`: the letters that a user names."""

from __future__ import annotations

import pytest

from reconciler.cli.commands.drift import _letters
from reconciler.model.errors import UsageError


@pytest.mark.parametrize(("text", "letters"), [("A", ["A"]), ("a,e", ["A", "E"]), ("AE", ["A", "E"])])
def test_letters_may_stand_with_and_without_commas(text, letters):
    assert _letters(text) == letters


@pytest.mark.parametrize("text", ["AB,C", "M", "A,,B"])
def test_what_is_no_class_is_refused(text):
    with pytest.raises(UsageError, match="not a drift class"):
        _letters(text)

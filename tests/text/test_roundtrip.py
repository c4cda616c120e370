"""YAML texts made to say something else by a round trip."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from reconciler.text.patch import Unpatchable
from reconciler.text.roundtrip import MappingChange, rewritten


def loaded(text: str) -> dict[str, object]:
    return YAML(typ="safe", pure=True).load(text)


TEXT = "# mine\na: 'one'  # first\nb: 0x10\nlist:\n- ~\n- TRUE\n"
SAYS = {"a": "one", "b": 16, "list": [None, True]}


def test_comments_quotes_and_spelling_stay():
    after = {**SAYS, "a": "two", "c": "no"}
    assert rewritten(TEXT, MappingChange(SAYS, after)) == TEXT.replace("one", "two") + 'c: "no"\n'


@pytest.mark.parametrize("odd", ["\x85", "a\nb", "\u2028", "\x1b[31m", "\ufeff"])
def test_a_text_that_single_quotes_cannot_hold_reads_back(odd: str):
    after = {**SAYS, "a": odd}
    assert loaded(rewritten(TEXT, MappingChange(SAYS, after)))["a"] == odd


def test_an_entry_gets_another_name_and_keeps_its_place_and_comment():
    after = {"z": "one", "b": 16}
    wanted = MappingChange(SAYS, after, {"z": "a", "b": "b"})
    assert rewritten(TEXT, wanted).startswith("# mine\nz: 'one'  # first\nb: 0x10\n")


def test_a_text_that_the_library_refuses_is_unpatchable():
    with pytest.raises(Unpatchable):
        rewritten("a: &x {b: 1}\nc: {<<: *x, <<: *x}\n", MappingChange({}, {"d": 1}))

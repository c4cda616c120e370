"""JSON texts edited: what is put in comes out, and no other character moves."""

from __future__ import annotations

import json
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.text import json as json_text
from reconciler.text.patch import Unpatchable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n "b": {"c": 1, "d": 2,\n  "c": 3}}', "`c` is defined twice: line 3 column 3"),
        ('{"a": 1, "a": 1}', "`a` is defined twice: line 1 column 10"),
        ('[{"a": 1, "a": 1}]', "it is not a JSON object"),
        ('{"a": [{"b": 1, "b": 1}]}', "`b` is defined twice: line 1 column 17"),
        ('{"a": 1, // why\n "b": 2}', "line 1 column 10"),
    ],
)
def test_what_cannot_be_edited_is_told_with_its_place(text, said):
    with pytest.raises(ValueError, match=r".") as told:
        json_text.check(text)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"hooks":\n []}', "`hooks` is not a JSON object: line 1 column 2"),
        ('{"hooks": {\n  "Stop": {}}}', "`hooks.Stop` is not a list: line 2 column 3"),
    ],
)
def test_what_is_in_the_way_is_told_with_its_place(text, said):
    with pytest.raises(ValueError, match=r".") as told:
        json_text.appended(text, ["hooks", "Stop"], {})
    assert str(told.value) == said


def test_an_element_more_that_reads_back_as_something_else_is_not_believed(monkeypatch):
    monkeypatch.setattr(json_text.json, "dumps", lambda *_, **__: '"other"')
    with pytest.raises(Unpatchable):
        json_text.appended('{"hooks": {"Stop": []}}', ["hooks", "Stop"], "ours")


# --- the law ----------------------------------------------------------------------------------


KEYS = st.sampled_from(["hooks", "Stop", "UserPromptSubmit", "a", "é"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(printable, max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
SPACE = st.text(" \t\r\n", max_size=3)
GROUPS = st.lists(st.fixed_dictionaries({"hooks": st.lists(VALUES, max_size=2)}), max_size=2)
SETTINGS = st.dictionaries(KEYS.filter(lambda key: key != "hooks"), VALUES, max_size=3) | st.fixed_dictionaries(
    {"a": VALUES, "hooks": st.dictionaries(st.sampled_from(["Stop", "PreToolUse"]), GROUPS, max_size=2)}
)


@st.composite
def texts(draw):
    """Settings with any space that JSON allows between their parts."""

    def laid_out(value):
        match value:
            case dict():
                parts = [
                    f"{gap()}{json.dumps(key)}{gap()}:{gap()}{laid_out(each)}{gap()}" for key, each in value.items()
                ]
                return "{" + (",".join(parts) or gap()) + "}"
            case list():
                return "[" + (",".join(f"{gap()}{laid_out(each)}{gap()}" for each in value) or gap()) + "]"
            case _:
                return json.dumps(value)

    def gap():
        return draw(SPACE)

    return gap() + laid_out(draw(SETTINGS)) + gap()


@given(texts(), st.permutations(["Stop", "UserPromptSubmit", "PermissionRequest"]))
def test_what_is_put_in_comes_out_and_leaves_every_byte(text, events):
    ours = {"type": "command", "command": "ours"}
    more = text
    for event in events:
        more = json_text.appended(more, ["hooks", event], {"hooks": [ours]})

    found = json.loads(more)
    assert all(found["hooks"][event][-1] == {"hooks": [ours]} for event in events)
    assert json_text.found(more, lambda value: value == ours) == [ours] * 3
    assert json_text.without(more, lambda value: value == ours) == text


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"a": [1,\n  {"b": [2]}, "x"]}', ((1, 8), (2, 3), (2, 15))),
        ('{"a": [1], "a": [\n7]}', ((2, 1),)),
        ('{"b": {"a": [1]}}', ()),
        ('{"a": {"a": [1]}}', ()),
        ('{"a": []}', ()),
        ('["a", [1]]', ()),
    ],
)
def test_the_elements_of_an_array_have_places(text, places):
    assert json_text.element_places(text, "a") == places


# --- places, and a member of another name -----------------------------------------------------


def test_members_and_those_of_their_objects_have_a_place():
    text = '{"a": 1,\n "b": {"c": 2,\n  "d": {"e": 3}}, "a": [{"f": 4}]}'
    assert json_text.places(text) == {"a": (3, 19), "b": (2, 2), "b.c": (2, 8), "b.d": (3, 3)}
    assert json_text.places("[1]") == {}
    assert json_text.places("  7") == {}


@given(texts(), st.text(printable, max_size=5))
def test_a_member_gets_another_name_and_leaves_every_byte(text, value):
    whole = json.dumps({"x": {"y": 1}})[:-1] + ', "rest": ' + text + "}"
    after = json_text.renamed(whole, ("x", "y"), "z", value)
    assert json.loads(after) == {"x": {"z": value}, "rest": json.loads(text)}
    assert after.endswith(whole.partition("}")[2])


@pytest.mark.parametrize("keys", [("x", "none"), ("none", "y"), ("twice",)])
def test_what_is_missing_or_stands_twice_is_not_renamed(keys):
    text = '{"x": {"y": 1}, "twice": 1, "twice": 2}' if keys == ("twice",) else '{"x": {"y": 1}}'
    with pytest.raises(ValueError, match=r"missing|twice"):
        json_text.renamed(text, keys, "z", 1)

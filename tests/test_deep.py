"""A difference inside of a structure: each is told once, by its path, and together they say everything."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.deep import HIDDEN, DeepChange, compare, differing_items, masked, path_text
from reconciler.render.deep import deep_document, deep_lines, item_documents
from reconciler.render.text import fields_text

DATA = {
    "an argument": (
        {"args": ["--model", "opus"]},
        {"args": ["--model", "sonnet"]},
        ["~ x args[1]: opus -> sonnet"],
    ),
    "one item comes first": (
        {"args": ["a", "b", "c"]},
        {"args": ["new", "a", "b", "c"]},
        ["+ x args[0]: new"],
    ),
    "one item leaves the middle": (["a", "b", "c"], ["a", "c"], ["- x[1]: b"]),
    "an item moves": (["a", "b", "c", "d"], ["d", "a", "b", "c"], ["~ x[0]: d (was [3])"]),
    "of two alike one leaves": (["-v", "-v"], ["-v"], ["- x[1]: -v"]),
    "a mapping comes first": (
        {"listeners": [{"port": 8883}, {"port": 8884}]},
        {"listeners": [{"port": 1883}, {"port": 8883}, {"port": 8884, "mtls": True}]},
        ['+ x listeners[0]: {"port": 1883}', "+ x listeners[2].mtls: true"],
    ),
    "a variable": ({"env": {"A": "x"}}, {"env": {"A": "y", "B": ""}}, ["~ x env.A: x -> y", '+ x env.B: ""']),
    "a key that is no word": ({"a b": 1}, {"a b": 2, "c.d": 3}, ['~ x["a b"]: 1 -> 2', '+ x["c.d"]: 3']),
    "a private key": ({"__a": 1}, {"__a": 2}, ["~ x __a: 1 -> 2"]),
    "a text that looks like something else": (
        {"a": "true", "b": "1", "c": "a b"},
        {"a": True, "b": 1, "c": None},
        ['~ x a: "true" -> true', '~ x b: "1" -> 1', '~ x c: "a b" -> null'],
    ),
    "numbers that Python takes for the same": ([1, 1, 0], [True, 1.0, 0], ["~ x[0]: 1 -> true", "~ x[1]: 1 -> 1.0"]),
    "another kind of thing": ({"a": {"b": 1}}, {"a": ["b"]}, ['~ x a: {"b": 1} -> ["b"]']),
    "a whole value": ("a", "b", ["~ x: a -> b"]),
    "the order of keys": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    "nothing": ({"a": []}, {"a": []}, []),
}


@pytest.mark.parametrize(("before", "after", "lines"), DATA.values(), ids=DATA)
def test_a_difference_is_told_by_its_path(before: Any, after: Any, lines: list[str]) -> None:
    assert list(deep_lines([deep_document(each) for each in compare(before, after)], "x")) == lines


KEYS = st.sampled_from(["a", "b", "c.d", "e f", "0", "__x", ""])
LEAVES = st.sampled_from([None, True, False, 0, 1, 1.0, -1, "", "a", "b", "1", "true", "é"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)
LISTS = st.lists(st.sampled_from("abcd"), max_size=12)


@given(VALUES, VALUES)
def test_the_changes_lead_from_the_old_structure_to_the_new_one(before: Any, after: Any) -> None:
    assert spelled(applied(before, compare(before, after))) == spelled(after)


@given(LISTS, LISTS)
def test_the_changes_lead_from_the_old_list_to_the_new_one(before: Any, after: Any) -> None:
    assert applied(before, compare(before, after)) == after


@given(VALUES, VALUES)
def test_no_change_means_that_both_say_the_same(before: Any, after: Any) -> None:
    assert (compare(before, after) == ()) == (spelled(before) == spelled(after))
    assert compare(before, json.loads(json.dumps(before))) == ()


@given(VALUES, VALUES)
def test_no_path_is_told_twice(before: Any, after: Any) -> None:
    came = [change.path for change in compare(before, after) if change.op != "remove"]
    assert len(came) == len(set(came))


@given(LISTS, st.integers(0, 12), st.sampled_from(["new", "other"]))
def test_one_item_more_is_one_change(items: list[str], place: int, new: str) -> None:
    place = min(place, len(items))
    assert compare(items, [*items[:place], new, *items[place:]]) == (DeepChange(f"[{place}]", "add", after=new),)


def spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def applied(value: Any, changes: tuple[DeepChange, ...]) -> Any:
    """What becomes of `value` when the changes are made."""
    return _applied(value, [(steps(each.path), each) for each in changes])


def steps(path: str) -> tuple[str | int, ...]:
    found = re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([\w-]+)', path)
    return tuple(word or (int(number) if number else json.loads(f'"{quoted}"')) for quoted, number, word in found)


def _applied(value: Any, changes: list[tuple[tuple[Any, ...], DeepChange]]) -> Any:
    if any(not path for path, _ in changes):
        ((_, whole),) = changes
        assert spelled(whole.before) == spelled(value)
        return whole.after
    return _mapping(value, changes) if isinstance(value, dict) else _list(value, changes) if changes else value


def _inside(changes: list[tuple[tuple[Any, ...], DeepChange]], step: Any) -> list[tuple[tuple[Any, ...], DeepChange]]:
    return [(path[1:], each) for path, each in changes if path[0] == step and type(path[0]) is type(step)]


def _mapping(value: dict[str, Any], changes: list[tuple[tuple[Any, ...], DeepChange]]) -> dict[str, Any]:
    result = dict(value)
    for step in {path[0] for path, _ in changes}:
        inside = _inside(changes, step)
        if inside[0] == ((), inside[0][1]) and inside[0][1].op != "replace":
            (change,) = (each for _, each in inside)
            if change.op == "remove":
                assert spelled(result.pop(step)) == spelled(change.before)
            else:
                assert step not in result
                result[step] = change.after
        else:
            result[step] = _applied(result[step], inside)
    return result


def _list(value: list[Any], changes: list[tuple[tuple[Any, ...], DeepChange]]) -> list[Any]:
    gone = {path[0] for path, each in changes if len(path) == 1 and each.op == "remove"}
    gone |= {steps(each.origin)[-1] for path, each in changes if len(path) == 1 and each.op == "move"}
    came = {path[0]: each.after for path, each in changes if len(path) == 1 and each.op in {"add", "move"}}
    inside = [(path, each) for path, each in changes if len(path) > 1 or each.op == "replace"]
    stays = iter([item for place, item in enumerate(value) if place not in gone])
    size = len(value) - len(gone) + len(came)
    return [came[place] if place in came else _applied(next(stays), _inside(inside, place)) for place in range(size)]


# --- many -------------------------------------------------------------------------------------

DICE = random.Random(5)  # noqa: S311 - no secret
WORDS = [f"word-{number}-{DICE.randrange(10**6)}" for number in range(5000)]
LONG = {
    "one item comes": (WORDS, [*WORDS[:2500], "new", *WORDS[2500:]]),
    "every tenth item is another": (WORDS, [word if n % 10 else f"{word}!" for n, word in enumerate(WORDS)]),
    "each neighbour is exchanged": (WORDS, [WORDS[n ^ 1] for n in range(len(WORDS))]),
    "the order is reversed": (WORDS, WORDS[::-1]),
    "the order is another": (WORDS, DICE.sample(WORDS, len(WORDS))),
    "all are others": (WORDS, [f"{word}!" for word in WORDS]),
    "two words alone": (DICE.choices("ab", k=5000), DICE.choices("ab", k=5001)),
    "a hundred words": (DICE.choices(WORDS[:100], k=5000), DICE.choices(WORDS[:100], k=5000)),
    "neighbours up to the limit": (WORDS[:2000], [WORDS[n ^ 1] for n in range(2000)]),
    "repeated words up to the limit": (DICE.choices("ab", k=315), DICE.choices("ab", k=315)),
    "many mappings": ([{"name": word} for word in WORDS], [{"name": f"{word}!"} for word in WORDS]),
}


@pytest.mark.parametrize(("before", "after"), LONG.values(), ids=LONG)
def test_the_changes_of_two_long_lists_lead_from_one_to_the_other(before: list[Any], after: list[Any]) -> None:
    changes = compare(before, after)
    assert changes
    assert applied(before, changes) == after


def test_one_item_more_among_5000_is_one_change() -> None:
    assert [change.path for change in compare(*LONG["one item comes"])] == ["[2500]"]
    assert len(compare(*LONG["every tenth item is another"])) == 500


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("all are others", "~ args = 5,000 of 5,000 items differ"),
        ("the order is another", "~ args = the same 5,000 items in another order"),
    ],
)
def test_lists_that_differ_too_much_are_told_by_a_number(name: str, line: str) -> None:
    before, after = LONG[name]
    (item,) = item_documents("args", before, after)
    assert (item["path"], item["op"]) == ("args", "replace")
    assert list(fields_text([_field(before, after)], indent="")) == [line]


def test_of_many_items_the_first_are_told() -> None:
    before = WORDS[:100]
    lines = list(fields_text([_field(before, [f"{word}!" for word in before])], indent=""))
    assert len(lines) == 21
    assert lines[0] == f'~ args[0]  = "{before[0]}" -> "{before[0]}!"'
    assert lines[-1] == "~ args     = 80 more differences (--json has all)"
    told = [deep_document(each) for each in compare(before, [f"{word}!" for word in before])]
    assert list(deep_lines(told, "x"))[-1] == "~ x: 80 more differences (--json has all)"
    assert len(list(deep_lines(told[:21], "x"))) == 21, "a line that says `1 more` takes as much room as the one"


def test_a_list_from_before_items_were_published_is_told_as_a_whole_while_it_is_short() -> None:
    field = {"path": "args", "op": "replace", "before": ["-v"], "after": ["-q"], "sensitive": False}
    assert list(fields_text([field], indent="")) == ['~ args = ["-v"] -> ["-q"]']
    assert list(fields_text([{**field, "before": WORDS}], indent="")) == ["~ args = 5,000 of 5,000 items differ"]


def test_a_list_that_comes_whole_is_told_whole_while_it_is_short() -> None:
    assert list(fields_text([_field([], ["--model", "o4"])], indent="")) == ['~ args = [] -> ["--model", "o4"]']
    assert len(list(fields_text([_field([], WORDS[:50])], indent=""))) == 21


def _field(before: list[Any], after: list[Any]) -> Any:
    whole = {"path": "args", "op": "replace", "before": before, "after": after, "sensitive": False}
    return {**whole, "items": item_documents("args", before, after)}


def test_of_long_texts_that_begin_alike_the_difference_is_told() -> None:
    before, after = f"{'x' * 500}old{'y' * 500}", f"{'x' * 500}new{'y' * 500}"
    (line,) = deep_lines([deep_document(each) for each in compare({"prompt": before}, {"prompt": after})], "a")
    assert line.startswith(f"~ a prompt: ...{'x' * 20}old")
    assert f" -> ...{'x' * 20}new" in line
    assert len(line) < 300


# --- secrets ----------------------------------------------------------------------------------


def _is_token(path: tuple[str | int, ...], value: Any) -> bool:
    return isinstance(value, str) and path[-1:] == ("TOKEN",)


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"TOKEN": "sesame"}, {"TOKEN": "canary"}, "TOKEN"),
        ({}, {"TOKEN": "canary"}, "TOKEN"),
        ({"TOKEN": "sesame"}, {}, "TOKEN"),
        ({"TOKEN": "sesame"}, {"TOKEN": {"from_env": "X"}}, "TOKEN"),
    ],
)
def test_a_secret_that_differs_is_named_and_not_shown(before: Any, after: Any, path: str) -> None:
    assert compare(before, after, _is_token) == (
        DeepChange(path, {(0, 1): "add", (1, 0): "remove"}.get((len(before), len(after)), "replace"), sensitive=True),
    )


def test_a_secret_inside_of_what_comes_and_goes_is_hidden() -> None:
    whole = {"a": [{"TOKEN": "sesame", "MODE": "x"}]}
    (came,), (gone,) = compare({}, whole, _is_token), compare(whole, {}, _is_token)
    assert came.after == gone.before == [{"TOKEN": HIDDEN, "MODE": "x"}]
    assert masked(whole, _is_token) == {"a": [{"TOKEN": HIDDEN, "MODE": "x"}]}


def test_items_without_a_counterpart_are_counted() -> None:
    assert differing_items(["a", "a", "b"], ["a", "c"]) == 2
    assert differing_items([{"a": 1, "b": 2}], [{"b": 2, "a": 1}]) == 0


def test_a_path_is_written_as_in_a_manifest() -> None:
    assert path_text(("env", "NODE_ENV")) == "env.NODE_ENV"
    assert path_text(("args", 1)) == "args[1]"
    assert path_text(("a b", 'say "no"', 0)) == '["a b"]["say \\"no\\""][0]'

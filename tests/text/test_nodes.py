"""YAML texts as nodes: where they stand, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.text import nodes
from reconciler.text.nodes import (
    CORE_TAGS,
    TEXT_TAGS,
    AliasNode,
    Bounds,
    MappingNode,
    NotYaml,
    ScalarNode,
    SequenceNode,
    YamlProblemKind,
    compose,
)
from reconciler.text.values import read

STRICT = Bounds(depth=5, unfolded=5, tags=TEXT_TAGS, escapes=False)
LENIENT = Bounds(depth=100, unfolded=100, tags=CORE_TAGS, escapes=True)
PIECES = st.text(st.sampled_from(list("ab:{}[],-&*#|>\"' \n~!é?")), max_size=30)


def everything(node):
    match node:
        case MappingNode():
            inner = [each for entry in node.entries for each in entry]
        case SequenceNode():
            inner = node.items
        case _:
            inner = []
    return [node, *(each for below in inner for each in everything(below))]


@given(PIECES)
@example("a:\n  - b\n  - {c: 'd', e: }\n# end\n")
@example("a: &x |\n  one\nb: *x\n")
def test_a_node_stands_where_it_says(text):
    try:
        root = compose(text, LENIENT)
    except NotYaml:
        return
    for node in everything(root) if root else []:
        source = text[slice(*node.span)]
        if isinstance(node, ScalarNode) and node.plain and "\n" not in source:
            assert source.endswith(node.text)  # an anchor is a part of the node
        if isinstance(node, AliasNode):
            assert source == f"*{node.name}"
        if source:
            line, column = node.at
            assert len("\n".join(text.split("\n")[: line - 1])) + (line > 1) + column - 1 == node.span[0]


@pytest.mark.parametrize(
    ("text", "fault", "at"),
    [
        ("a: [", YamlProblemKind.SYNTAX, (1, 5)),
        ("a: \x07", YamlProblemKind.CONTROL, (1, 4)),
        ('a: "\\a"', YamlProblemKind.CONTROL, (1, 4)),
        ("a: 1\n---\nb: 1", YamlProblemKind.DOCUMENTS, (2, 1)),
        ("[[[[[[x]]]]]]", YamlProblemKind.DEPTH, (1, 7)),
        ("a: !mine x", YamlProblemKind.TAG, (1, 4)),
        ("a: *x", YamlProblemKind.ALIAS, (1, 4)),
        ("a: &x [*x]", YamlProblemKind.LOOP, (1, 8)),
        ('a: "\\UFFFFFFFF"', YamlProblemKind.NUMBER, (0, 0)),
    ],
)
def test_what_is_not_yaml_within_its_bounds_is_refused_with_its_place(text, fault, at):
    with pytest.raises(NotYaml) as told:
        compose(text, STRICT)
    assert (told.value.problem.kind, told.value.problem.at) == (fault, at)


def test_whatever_the_library_fails_with_is_one_kind_of_error(monkeypatch):
    class Failing:
        def __init__(self, **_):
            pass

        def parse(self, _text):
            raise KeyError("x")

    monkeypatch.setattr(nodes, "YAML", Failing)
    with pytest.raises(NotYaml):
        compose("a: 1", STRICT)


def test_aliases_unfold_into_so_many_nodes_and_no_more():
    assert read("a: &a [x, x]\nb: *a\n", STRICT).value == {"a": ["x", "x"], "b": ["x", "x"]}
    broken = read("a: &a [x, x]\nb: [*a, *a]\n", STRICT).broken
    assert (broken.kind, broken.about) == (YamlProblemKind.UNFOLDED, "a")


def test_what_was_read_before_a_text_breaks_is_kept():
    found = read("a: 1\na: 2\nb: [[[[[x]]]]]\n", STRICT)
    assert found.broken.kind is YamlProblemKind.DEPTH
    found = read("a: &a {x: 1, x: 2}\nb: [*a, *a, *a, *a]\n", STRICT)
    assert (found.broken.kind, found.problems[0].kind, found.problems[0].earlier) == (
        YamlProblemKind.UNFOLDED,
        YamlProblemKind.DUPLICATE,
        (1, 8),
    )

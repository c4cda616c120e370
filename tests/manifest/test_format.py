"""Manifests in one style: what they say, and every comment, stays."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import manifests
from test_laws import YAML_PIECES

from reconciler.manifest import ManifestContext, Source, load
from reconciler.manifest.format import formatted
from reconciler.manifest.source import read
from reconciler.model.errors import InvalidManifest, ReconcilerError

ROOT = Path(__file__).parents[2]
AROUND = ManifestContext("/project", "/home/u", {"MY_SHELL_SECRET": "s"}, "project")
QUICK = settings(max_examples=80, deadline=None)


def fmt(text: str) -> str:
    return formatted(Source("m.yaml", text.encode())).decode()


BEFORE = sorted(path for path in (Path(__file__).parent / "formats").glob("*.yaml") if ".tidy" not in path.name)


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.stem)
def test_a_manifest_gets_the_one_style(path: Path) -> None:
    tidy = path.with_suffix(".tidy.yaml").read_text("utf-8")

    assert fmt(path.read_text("utf-8")) == tidy
    assert fmt(tidy) == tidy


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_has_the_one_style(path: Path) -> None:
    assert fmt(path.read_text("utf-8")) == path.read_text("utf-8")


def test_line_ends_and_the_mark_of_the_byte_order_stay() -> None:
    windows = "\ufeffworkspaces: { }\r\n\r\n\r\nversion: 1\r\n"
    assert fmt(windows) == "\ufeffversion: 1\r\n\r\nworkspaces: {}\r\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: b: c\n", "m.yaml:1:5"), ("version: 1\nversion: 1\n", "m.yaml:2:1"), ("a: 1\n---\nb: 2\n", "m.yaml:2:1")],
)
def test_what_is_no_single_yaml_document_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        fmt(text)
    assert [str(each.place) for each in caught.value.diagnostics] == [place]


# --- laws -------------------------------------------------------------------------------------

NOISE = st.sampled_from(["", "", "", "\n", "\n\n\n", "# note\n", "      # deep\n", "\n  # note\n\n"])


@st.composite
def written(draw: st.DrawFn, contents: st.SearchStrategy[object]) -> str:
    """Some content as YAML, in a random style, with comments and blank lines between its lines."""
    content = shuffled(draw, json.loads(json.dumps(draw(contents))))
    style = {"default_flow_style": draw(st.sampled_from([None, False, True])), "indent": draw(st.integers(2, 5))}
    text = yaml.safe_dump(content, sort_keys=False, width=draw(st.sampled_from([20, 200])), **style)
    if style["default_flow_style"] is True or any(mark in text for mark in "'\"|>"):
        return text  # a comment within a value would be a part of it
    return "".join(draw(NOISE) + line for line in text.splitlines(keepends=True))


def shuffled(draw: st.DrawFn, value: object) -> object:
    if isinstance(value, dict):
        return {key: shuffled(draw, value[key]) for key in draw(st.permutations(list(value)))}
    return [shuffled(draw, item) for item in value] if isinstance(value, list) else value


def comments(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.splitlines() if line.strip().startswith("#"))


@QUICK
@given(written(manifests()))
def test_a_formatted_manifest_declares_what_it_declared(text: str) -> None:
    after = fmt(text)
    assert fmt(after) == after
    assert declared(after) == declared(text)
    assert comments(after) == comments(text)


def declared(text: str) -> object:
    desired = load([Source("m.yaml", text.encode())], AROUND, ["claude"]).desired
    things = (*desired.workspaces.values(), *desired.agents.values(), *desired.agent_types.values())
    return {str(each.address if hasattr(each, "address") else each.name): without_place(each) for each in things}


def without_place(thing: object) -> dict[str, object]:
    return {name: getattr(thing, name) for name in thing.__struct_fields__ if name != "place"}


WORDS = st.sampled_from(["version", "workspaces", "agents", "env", "path", "broker", "listeners", "users", "x", "a b"])
VALUES = (
    st.none()
    | st.integers(0, 9)
    | st.sampled_from(["x", "a: b", "one\ntwo\n", " led", "end\n\n", "#", "a long one " * 5])
)
NESTED = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=15
)


@QUICK
@given(written(st.dictionaries(WORDS, NESTED, max_size=4)))
@example("version: 1\nworkspaces:\n- a\n# x\n- b:\n# y\n\n# z\n    c\n")
def test_whatever_is_formatted_says_the_same_and_stays_so(text: str) -> None:
    after = fmt(text)
    assert fmt(after) == after
    assert read(Source("m", after.encode())).content == read(Source("m", text.encode())).content


@QUICK
@given(YAML_PIECES)
@example("a: |+\n\n\nb:")
@example("- a: 1\n  # x\n")
@example("\n---")
@example("a:  # x\n  - b\n # y\nc:")
def test_any_text_is_formatted_once_or_refused(text: str) -> None:
    try:
        after = fmt(text)
    except (InvalidManifest, ReconcilerError):
        return
    assert fmt(after) == after

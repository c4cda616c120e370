"""One rule of quoting, in manifests and in the registry."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import Source
from reconciler.manifest.edit import added
from reconciler.state.emit import row_text
from reconciler.text.nodes import TEXT_TAGS, Bounds
from reconciler.text.quoting import flow, quoted
from reconciler.text.values import read

BOUNDS = Bounds(depth=10, unfolded=0, tags=TEXT_TAGS, escapes=True)


@given(st.text(max_size=12))
def test_every_reader_takes_a_quoted_text_for_that_text(text):
    assert read(quoted(text), BOUNDS).value == text
    assert yaml.safe_load(quoted(text)) == text  # YAML 1.1


@given(st.text(max_size=12))
def test_what_is_in_quotes_is_json_too(text):
    if quoted(text) != text:
        assert json.loads(quoted(text)) == text


@pytest.mark.parametrize("text", ["plain", "two words", "no", "12", "a: b", "é", "全角\u3000空白", "\u2028", "😀", ""])
def test_a_manifest_and_the_registry_write_a_text_alike(text):
    in_manifest = added(Source("m.yaml", b"version: 1\n"), ("a",), {"key": text}).text
    assert in_manifest.strip() == f"a: {{key: {quoted(text)}}}"
    assert row_text("a", {"key": text}, 2).splitlines()[1].strip() == f"key: {quoted(text)}"


def test_a_value_on_one_line_is_written_as_its_parts_are():
    value = {"args": ["--model", "opus"], "n": 1e100, "no": None, "in": {"a b": True}}
    assert flow(value) == '{args: ["--model", opus], "n": 1.0e+100, "no": null, in: {a b: true}}'
    assert read(flow(value), BOUNDS).value == value

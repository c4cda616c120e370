from __future__ import annotations

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from random_registries import JSON, TEXTS
from ruamel.yaml import YAML

from reconciler.state.content import content_of
from reconciler.state.emit import row_text
from reconciler.state.parse import parsed

ROWS = st.dictionaries(TEXTS, JSON, max_size=5)
INDENTS = st.integers(min_value=1, max_value=4)


@given(TEXTS, ROWS, INDENTS)
@settings(max_examples=150, deadline=None)
def test_every_reader_of_yaml_finds_in_a_row_what_was_written(name, row, indent):
    text = row_text(name, row, indent)

    assert parsed(text) == {name: row}
    assert YAML(typ="safe", pure=True).load(text) == {name: row}
    assert yaml.safe_load(text) == {name: row}  # YAML 1.1


@given(st.dictionaries(TEXTS, ROWS, max_size=3), INDENTS)
@settings(max_examples=100, deadline=None)
def test_reading_row_by_row_finds_what_a_yaml_parser_finds(rows, indent):
    text = "serial: 1\nsessions:\n" + "".join(row_text(name, row, indent) for name, row in rows.items())

    assert content_of(text) == parsed(text)


def test_what_looks_like_a_row_within_a_text_is_none():
    text = 'motto: "one\nsessions:\n  a:\n    b: c\nend: two"\n'

    assert content_of(text) == {"motto": "one sessions: a: b: c end: two"}


def test_plain_words_stand_without_quotes_and_everything_doubtful_in_them():
    row = {"status": "running", "path": "/home/u/a b", "answer": "no", "started": "2026-06-25T03:19:24Z", "id": "%3"}

    assert row_text("lab", row, 2) == (
        "  lab:\n"
        "    status: running\n"
        "    path: /home/u/a b\n"
        '    answer: "no"\n'
        '    started: "2026-06-25T03:19:24Z"\n'
        '    id: "%3"\n'
    )

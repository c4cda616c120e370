"""The pure parts of the tmux port: what is said to tmux, and how its answers are read."""

from __future__ import annotations

import pytest

from reconciler.ports.tmux.control import TmuxBlock, parse_blocks
from reconciler.ports.tmux.language import literal, quote
from reconciler.ports.tmux.rows import parse_state, split_row


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        ('say "x"', '"say \\"x\\""'),
        ("a\nb", '"a\\012b"'),
        ("$HOME ~ \\", '"\\$HOME \\~ \\\\"'),
        ("a;#{x}%if{}'ü", '"a;#{x}%if{}\'ü"'),
    ],
)
def test_a_word_is_quoted_for_tmux(text, quoted):
    assert quote(text) == quoted


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a", "a"), ("#", "##"), ("#(x)", "##(x)"), ("##{a}", "####{a}"), ("#[", "#["), ("##[", "##[")],
)
def test_a_format_is_made_to_expand_to_itself(text, escaped):
    assert literal(text) == escaped


def test_answers_are_told_from_news_and_from_other_peoples_commands():
    output = """%begin 1 258 0
%end 1 258 0
%window-add @0
%begin 1 266 1
$1
%end of the world
%end 1 267 1
%end 1 266 1
%output %3 %begin
%begin 1 270 1
duplicate session: a
%error 1 270 1
%begin 1 271 1
cut short""".splitlines()

    assert list(parse_blocks(output)) == [
        TmuxBlock((), failed=False, ours=False),
        TmuxBlock(("$1", "%end of the world", "%end 1 267 1"), failed=False, ours=True),
        TmuxBlock(("duplicate session: a",), failed=True, ours=True),
    ]


@pytest.mark.parametrize("head", ["%begin", "%begin 1", "%begin 1 266", "%begin 1 266 x", "%begin 1 266 -1"])
def test_nothing_is_believed_behind_a_block_whose_head_cannot_be_read(head: str):
    good = ["%begin 1 265 1", "a", "%end 1 265 1"]
    told = list(parse_blocks([*good, head, "b", "%end 1 266 1", "%begin 1 267 1", "c", "%end 1 267 1"]))
    assert told == [TmuxBlock(("a",), failed=False, ours=True)]


def test_an_end_that_is_cut_short_ends_no_block():
    assert list(parse_blocks(["%begin 1 265 1", "%end", "%error 1", "%end 1 265 1"])) == [
        TmuxBlock(("%end", "%error 1"), failed=False, ours=True)
    ]


def test_no_rows_are_no_state():
    assert parse_state("") is None


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match="tmux printed"):
        split_row("a\x1fb", 3)

"""Of the text of others only its colours reach a terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.harmless import one_line
from reconciler.model.sgr import SGR, colour_lines, last_of, without_colours
from reconciler.render.output import SafeStream, coloured_line, write_coloured

RED, BOLD, OFF = "\x1b[31m", "\x1b[1m", "\x1b[0m"
HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\x1b[6n",
    "\x1bP+q\x1b\\",
    "\x9b2J",
    "\r",
    "\x07",
    "\x1b[31",
    "\x1b[?25l",
    "\u202e",
]


@pytest.mark.parametrize(
    ("captured", "lines"),
    [
        ("plain\nmore", ["plain", "more"]),
        (f"{RED}one\ntwo{OFF} three\nfour", [f"{RED}one{OFF}", f"{RED}two{OFF} three{OFF}", "four"]),
        (f"{RED}{BOLD}one\x1b[0;32mtwo\nthree", [f"{RED}{BOLD}one\x1b[0;32mtwo{OFF}", f"\x1b[0;32mthree{OFF}"]),
        ("\x1b[mx\ny", [f"\x1b[mx{OFF}", "y"]),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", ["link"]),
        ("\x0elqk\x0f box q", ["┌─┐ box q"]),
    ],
)
def test_each_line_has_its_own_colours(captured: str, lines: list[str]) -> None:
    assert list(colour_lines(captured)) == lines


@pytest.mark.parametrize("evil", HOSTILE)
def test_what_steers_is_shown_and_colours_stay(evil: str) -> None:
    stream = io.StringIO()
    write_coloured(SafeStream(stream), [f"{RED}a{evil}b{OFF}"])
    assert stream.getvalue() == f"{RED}a{one_line(evil)}b{OFF}\n"


@given(st.text(alphabet=st.sampled_from("\x1b[]0;31m8:\x07\\x9\x9b\x0e\x0f\r\n\u202eab"), max_size=60))
def test_nothing_but_colours_ever_steers(text: str) -> None:
    for line in colour_lines(text):
        rest = SGR.sub("", coloured_line(line))
        assert one_line(rest) == rest


def test_the_colours_that_a_line_begins_with_are_bounded() -> None:
    captured = "".join(f"\x1b[38;5;{number}m" for number in range(256)) + "x\ny"
    assert len(SGR.findall(list(colour_lines(captured))[1])) == 65


def test_the_last_lines_are_counted_from_the_last_that_is_not_blank() -> None:
    lines = ["a", "", "b", f"{RED}  {OFF}", ""]
    assert last_of(lines, 0) == ["a", "", "b"]
    assert last_of(lines, 2) == ["", "b"]
    assert [without_colours(line) for line in (f"{RED}a{OFF} ",)] == ["a"]

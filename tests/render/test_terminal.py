from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

import pytest

from reconciler.render.terminal import progress, show, wants_colour


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("stream", "env", "coloured"),
    [
        (Terminal(), XTERM, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {}, False),
        (Terminal(), {**XTERM, "NO_COLOR": "1"}, False),
        (Terminal(), {**XTERM, "NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        (StringIO(), XTERM, False),
        (StringIO(), {"FORCE_COLOR": "1"}, True),
        (StringIO(), {"FORCE_COLOR": ""}, False),
        (StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_unless_the_user_says_otherwise(
    stream: StringIO, env: Mapping[str, str], coloured: bool
) -> None:
    assert wants_colour(stream, env) is coloured


LINES = ["  # agent.w.claude will be created", "  + session [bold]x[/bold]", "", "Plan: 1 to add. " + "long " * 60]


def test_without_colour_the_lines_go_out_as_they_are() -> None:
    stream = StringIO()
    show(LINES, stream, XTERM)
    assert stream.getvalue().splitlines() == LINES


def test_colour_adds_nothing_but_colour() -> None:
    stream = Terminal()
    show(LINES, stream, XTERM)
    assert "\x1b[32m" in stream.getvalue()
    assert _plain(stream.getvalue()).splitlines() == LINES


def _plain(text: str) -> str:
    from rich.text import Text

    return Text.from_ansi(text).plain


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("  + a", "32"),
        ("  ~ a", "33"),
        ("-/+ a", "33"),
        ("  - a", "31"),
        ("agent.w.a: Failed: it exited", "31"),
        ("Error: no", "1;31"),
        ("Warning: no", "1;33"),
        ("No changes. Sessions and folders match.", "1;32"),
    ],
)
def test_a_line_has_the_colour_of_what_it_begins_with(line: str, code: str) -> None:
    stream = Terminal()
    show([line], stream, XTERM)
    assert f"\x1b[{code}m" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "env"), [(StringIO(), XTERM), (Terminal(), {"TERM": "dumb"}), (StringIO(), {"FORCE_COLOR": "1"})]
)
def test_there_is_no_progress_display_without_a_terminal(stream: StringIO, env: Mapping[str, str]) -> None:
    with progress(2, stream, env) as display:
        display.doing("Starting agent.w.claude")
        with display.aside():
            pass
        display.done()
    assert stream.getvalue() == ""


def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with progress(2, stream, XTERM) as display:
        display.doing("Starting agent.w.claude")
        display.done()
        with display.aside():
            stream.write("a line of its own\n")
    assert "1/2" in stream.getvalue()
    assert "Starting agent.w.claude" in stream.getvalue()
    assert "a line of its own\n" in stream.getvalue()

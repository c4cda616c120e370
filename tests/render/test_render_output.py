"""What is printed: harmless, whoever wrote it, and never a reason to stop."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from reconciler.model.harmless import harmless, one_line
from reconciler.render import output
from reconciler.render.output import (
    SafeStream,
    escape_line,
    guard,
    is_cut_off,
    json_text,
    tell,
    tell_bytes,
    tell_commands,
    tell_text,
)
from reconciler.render.table import table
from reconciler.render.terminal import progress, redrawn, show

XTERM = {"TERM": "xterm-256color"}
CASES = {
    "clear\x1b[2J": r"clear\x1b[2J",
    "title\x1b]0;x\x07": r"title\x1b]0;x\x07",
    "one byte \x9b31m": r"one byte \x9b31m",
    "delete\x7f": r"delete\x7f",
    "back\rhome": r"back\rhome",
    "two\nlines": r"two\nlines",
    "\u202eright to left\u202c": r"\u202eright to left\u202c",
    "\u2066isolated\u2069 \u200e\u200f\u061c": r"\u2066isolated\u2069 \u200e\u200f\u061c",
    "zero\u200bwidth\u2060\ufeff\u00ad": r"zero\u200bwidth\u2060\ufeff\xad",
    "tag\U000e0041": r"tag\U000e0041",
    "blank \u3164\u115f": r"blank \u3164\u115f",
    "line\u2028end\u2029": r"line\u2028end\u2029",
    "no UTF-8 \udcff \ud800": r"no UTF-8 \xff \ud800",
    "tab\tstays": "tab\tstays",
    "été 漢字 ✓ ❤️ \u3000": "été 漢字 ✓ ❤️ \u3000",
}


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("text", "line"), CASES.items(), ids=map(ascii, CASES))
def test_what_steers_or_hides_is_shown_and_the_rest_stays(text: str, line: str) -> None:
    assert one_line(text) == line
    assert harmless(text) == line.replace(r"\n", "\n")
    assert one_line(one_line(text)) == line


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1"}], ids=["plain", "coloured"])
def test_a_line_with_hostile_text_is_one_harmless_line_in_our_own_colours(env: dict[str, str]) -> None:
    stream = StringIO()
    show(["+ x\x1b[31m\x07\n\u202e [red]:warning:"], stream, env)
    said = stream.getvalue()
    assert said.replace("\x1b[32m", "").replace("\x1b[0m", "") == "+ x\\x1b[31m\\x07\\n\\u202e [red]:warning:\n"
    assert ("\x1b[32m" in said) == bool(env)


def test_a_progress_display_and_a_redrawn_block_show_hostile_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with progress(1, stream, XTERM) as display:
        display.doing("Starting \x1b]0;x\x07[red]")
    with redrawn(stream, XTERM) as draw:
        draw.lines(["x\x1b]0;y\x07"])
    assert "\x1b]0" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()
    assert r"Starting \x1b]0;x\x07[red]" in stream.getvalue()


def test_columns_are_as_wide_as_what_is_shown() -> None:
    assert list(table([("a\x1b", "b"), ("c", "d")])) == [r"a\x1b  b", "c      d"]


def test_a_guarded_stream_shows_what_any_library_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = StringIO(), StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    guard()
    guard()  # once is enough
    print("x\x1b[2J\ny")  # noqa: T201 - as a library would
    sys.stderr.writelines(["\x07"])
    show(["+ z"], sys.stdout, {"FORCE_COLOR": "1"})
    assert out.getvalue() == "x\\x1b[2J\ny\n\x1b[32m+ z\x1b[0m\n"
    assert err.getvalue() == r"\x07"


def test_json_is_printable_and_says_the_same() -> None:
    document = {"x": "\x1b\x7f\x9b\u202e\ud800 ##[error]"}
    said = json_text(document)
    assert said.isascii()
    assert said.isprintable()
    assert "##[" not in said
    assert json.loads(said) == document


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("  ::stop-commands::x", r"  \x3a:stop-commands::x"),
        ("a ##[add-mask]x", r"a #\x23[add-mask]x"),
        ("a :: b", "a :: b"),
    ],
)
def test_a_runner_of_github_is_given_no_command_by_others(
    line: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    tell(line)
    tell_text(f"{line}\n{line}\n")
    show([line], sys.stdout, {})
    assert capsys.readouterr().out == f"{told}\n" * 4
    tell_commands([line])
    assert capsys.readouterr().out == f"{line}\n"
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert escape_line(line) == line


def test_a_file_goes_out_byte_for_byte_but_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    content = b"x\x1b[2J\xff\n"
    tell_bytes(content)
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == content
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    tell_bytes(content)
    assert terminal.getvalue() == "x\\x1b[2J\\xff\n"


class Full(StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1"}], ids=["plain", "coloured"])
def test_a_stream_that_cannot_be_written_to_stops_nothing_until_all_is_settled(env: dict[str, str]) -> None:
    stream = SafeStream(Full())
    show(["x"], stream, env)  # type: ignore[arg-type] # a door is as good as a stream
    stream.flush()
    assert is_cut_off(stream)  # type: ignore[arg-type] # as above
    with pytest.raises(OSError, match="No space left"):
        stream.settle()


AS_A_FILE_FIRST = """
import os, sys
reading, writing = os.pipe()
os.write(1, b"before")
os.dup2(writing, 1)  # the stream believes still that it can be told where it is
from reconciler.render.output import guard, tell
guard()
tell("ole \\u263a")
sys.stdout.flush()
sys.stderr.write(repr(os.read(reading, 100)))
"""


def test_a_stream_that_cannot_tell_where_it_is_is_guarded_and_written_to(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", AS_A_FILE_FIRST],
            check=False,
            stdout=file,
            stderr=subprocess.PIPE,
            env={"PYTHONIOENCODING": "ascii:strict"},
        )
    assert done.stderr == b"b'ole \\\\u263a\\n'"


def test_a_stream_that_was_closed_before_is_told_like_any_other_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    guard()
    output.warn("nobody hears it")
    sys.stdout.flush()
    tell("x")
    with pytest.raises(OSError, match="it is closed"):
        sys.stdout.settle()

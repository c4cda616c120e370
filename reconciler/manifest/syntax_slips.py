"""Common slips in YAML: what a syntax mistake usually means, and the text to write instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.text.nodes import At, YamlProblem
from reconciler.text.quoting import quoted

_COLON_IN_TEXT = re.compile(r"(?P<begin>\s*(?:- )?(?:[\w.-]+: +)?)(?P<text>[^\s\"'\[{|>&*#].*: .*)")
_KEY = re.compile(r"\s*(?P<key>[\w.-]+)\s*$")


class SyntaxMistake(NamedTuple):
    """A slip: its place, what is wrong and what to write."""

    at: At
    summary: str
    fix: str


def syntax_slip(text: str, problem: YamlProblem) -> SyntaxMistake | None:
    """The slip behind a syntax mistake in the manifest `text`; None when it is none of the common ones."""
    lines = text.splitlines()
    line, column = problem.at
    if not 0 < line <= len(lines) + 1:
        return None
    here = lines[line - 1] if line <= len(lines) else ""
    if problem.about == "mapping values are not allowed here":
        return _colon_in_text(problem.at, here)
    if "scanning a quoted scalar" in problem.detail and problem.earlier != (0, 0):
        return _open_quote(problem.earlier, lines)
    if "could not find expected ':'" in problem.about and problem.earlier != (0, 0):
        return _no_colon(problem.earlier, lines)
    if problem.about.startswith("expected <block end>"):
        return _quote_inside(lines, line, column) or _indentation(lines, line)
    return None


def _colon_in_text(at: At, line: str) -> SyntaxMistake | None:
    found = _COLON_IN_TEXT.fullmatch(line)
    if not found:
        return None
    written = found["begin"].strip()
    text = found["text"].strip()
    return SyntaxMistake(
        at, "a `: ` inside a text", f"put the text in quotes: `{written} {quoted(text)}`".replace("` ", "`")
    )


def _open_quote(at: At, lines: list[str]) -> SyntaxMistake:
    mark = lines[at[0] - 1][at[1] - 1 : at[1]]
    return SyntaxMistake(at, f"a quote `{mark}` that is not closed", f"end the text with `{mark}`")


def _no_colon(at: At, lines: list[str]) -> SyntaxMistake | None:
    found = _KEY.fullmatch(lines[at[0] - 1]) if at[0] <= len(lines) else None
    return SyntaxMistake(at, f"`{found['key']}` has no colon", f"write `{found['key']}:`") if found else None


def _quote_inside(lines: list[str], line: int, column: int) -> SyntaxMistake | None:
    """The parser found a word right after a quote: that one is meant as text, or an earlier one was left open."""
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    mark = before[-1:]
    if mark not in {'"', "'"}:
        return None
    if before.count(mark) % 2 == 0:
        fix = "write two of them" if mark == "'" else f"write `\\{mark}`"
        return SyntaxMistake((line, column - 1), f"a quote `{mark}` inside a text in such quotes", fix)
    opens = next((number for number in range(line - 1, 0, -1) if lines[number - 1].count(mark) % 2), 0)
    return _open_quote((opens, lines[opens - 1].rindex(mark) + 1), lines) if opens else None


def _indentation(lines: list[str], line: int) -> SyntaxMistake | None:
    here = lines[line - 1] if line <= len(lines) else ""
    name = here.strip().partition(":")[0]
    own = _indent(here)
    above = list(_indents_above(lines[: line - 1]))
    if not name or not above or own in above or (own > above[0] and _opens_a_block(lines[: line - 1])):
        return None
    nearest = min(above, key=lambda each: (abs(each - own), -each))
    summary = f"`{name}` is indented {_spaces(own)}, its neighbours {nearest}"
    return SyntaxMistake((line, own + 1), summary, f"indent it {_spaces(nearest)}")


def _indents_above(lines: list[str]) -> Iterator[int]:
    """The indentations of the blocks that are open at the end of `lines`, the innermost first."""
    least: int | None = None
    for each in reversed(lines):
        if not each.strip() or each.lstrip().startswith("#"):
            continue
        if least is None or _indent(each) < least:
            least = _indent(each)
            yield least


def _opens_a_block(lines: list[str]) -> bool:
    """Whether the last line that says something ends with a colon, so that what follows may be deeper."""
    said = (each.partition(" #")[0].rstrip() for each in reversed(lines) if not each.lstrip().startswith("#"))
    return next(filter(None, said), "").endswith(":")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaces(count: int) -> str:
    return f"{count} space{'' if count == 1 else 's'}"

"""Where the tables of the registry and their rows stand in its text. Pure, and careful.

Lines tell where rows begin only in plain block style. What is not surely that is answered with None,
and what is found here is believed only after it was compared with the parsed content.
"""

from __future__ import annotations

import re
from itertools import pairwise

from msgspec import Struct

TABLES = ("workspaces", "sessions", "brokers")
INDENT = 2

_KEY = re.compile(
    r""" *(?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\n]*)'|(?P<plain>[\w./@+-]+)):(?=[ \n]|\Z)(?P<after>.*)"""
)
# A line is found by the newline before it: that is many times faster than `^`.
_TOP = re.compile(r"\n[^ \n#].*")
_CONTENT = re.compile(r"\n( *)[^ \n#].*")
_START = re.compile(r"(?:(?: *#.*|---)?\n)*")
_EMPTY = re.compile(r" *(?:\{\}|null|~)? *(?:#.*)?")
# An anchor makes two places one, a tab indents by nobody knows how much, `...` ends a document.
_UNSURE = re.compile(r"[\s\[{,]&\S|\n *\t|\n\.\.\.")


class SectionSpan(Struct, frozen=True):
    """A top level key: where its line starts, what follows its colon, where what is under it ends."""

    start: int
    after: str
    body: int
    end: int


class TableSpan(Struct, frozen=True):
    """The rows of one section by name, each from its key to the next row, and how far keys are indented."""

    section: SectionSpan
    indent: int
    rows: dict[str, tuple[int, int]]


class RegistryLayout(Struct, frozen=True):
    """What was found in a text; `start` is where its first key stands or would stand."""

    start: int
    sections: dict[str, SectionSpan]
    tables: dict[str, TableSpan]


def layout(text: str) -> RegistryLayout | None:
    """Where everything stands in `text`, or None when lines alone do not tell."""
    # With a newline in front, the newline before a line is found where the line starts in `text`.
    lines = "\n" + text
    if _unsure(lines):
        return None
    start = _START.match(lines, 1)
    sections = _sections(lines)
    if sections is None or start is None:
        return None
    tables = {name: _table(lines, sections[name]) for name in TABLES if name in sections}
    found = {name: table for name, table in tables.items() if table is not None}
    return RegistryLayout(start.end() - 1, sections, found) if len(found) == len(tables) else None


def trimmed(text: str, span: tuple[int, int], indent: int) -> tuple[int, int]:
    """`span` without the blank lines and comments at its end that are not indented deeper than `indent`."""
    start, end = span
    for line in reversed(text[start:end].splitlines(keepends=True)):
        bare = line.strip()
        if bare and not (bare[0] == "#" and len(line) - len(line.lstrip(" ")) <= indent):
            break
        end -= len(line)
    return start, end


def _unsure(text: str) -> bool:
    return ("&" in text or "\t" in text or "..." in text) and _UNSURE.search(text) is not None


def _sections(lines: str) -> dict[str, SectionSpan] | None:
    found = [line for line in _TOP.finditer(lines) if line[0] != "\n---"]
    keys = [_KEY.fullmatch(line[0], 1) for line in found]
    places = [*(line.start() for line in found), len(lines) - 1]
    result = {
        _name(key): SectionSpan(start, key["after"], min(line.end(), end), end)
        for line, key, (start, end) in zip(found, keys, pairwise(places), strict=True)
        if key
    }
    return result if len(result) == len(found) else None


def _table(lines: str, section: SectionSpan) -> TableSpan | None:
    if not _EMPTY.fullmatch(section.after):
        return None
    first = _CONTENT.search(lines, section.body, section.end)
    if first is None:
        return TableSpan(section, INDENT, {})
    indent = len(first[1])
    rows = _rows(lines, section, indent)
    return None if rows is None or _is_flow(section.after) else TableSpan(section, indent, rows)


def _is_flow(after: str) -> bool:
    return after.strip()[:1] in {"{", "n", "~"}


def _rows(lines: str, section: SectionSpan, indent: int) -> dict[str, tuple[int, int]] | None:
    found = list(re.compile(rf"\n {{0,{indent}}}[^ \n#].*").finditer(lines, section.body, section.end))
    keys = [_KEY.fullmatch(line[0], indent + 1) for line in found]
    places = [*(line.start() for line in found), section.end]
    rows = {_name(key): span for key, span in zip(keys, pairwise(places), strict=True) if key}
    return rows if len(rows) == len(found) else None


def _name(key: re.Match[str]) -> str:
    return key["double"] or key["single"] or key["plain"] or ""

"""Find the tables of the registry and their rows in its text, by lines alone. Pure.

That works only for plain block style. If a text may be anything else, the answer is None. Callers must compare what
they find with the parsed content before they use it.
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
# Patterns begin with the newline before a line: that is many times faster than `^`.
_TOP = re.compile(r"\n[^ \n#].*")
_CONTENT = re.compile(r"\n( *)[^ \n#].*")
_START = re.compile(r"(?:(?: *#.*|---)?\n)*")
_EMPTY = re.compile(r" *(?:\{\}|null|~)? *(?:#.*)?")
# An anchor shares a value between rows, a tab has no defined indentation, `...` ends a document.
_UNSURE = re.compile(r"[\s\[{,]&\S|\n *\t|\n\.\.\.")


class SectionSpan(Struct, frozen=True):
    """A top-level key; offsets in the text."""

    start: int
    """Start of the key's line."""
    after: str
    """What follows the colon on that line."""
    body: int
    """Start of the line after the key."""
    end: int
    """End of the section."""


class TableSpan(Struct, frozen=True):
    """The rows of one section by name, each from its key to the next row, and the indentation of the keys."""

    section: SectionSpan
    indent: int
    rows: dict[str, tuple[int, int]]


class RegistryLayout(Struct, frozen=True):
    """The sections and tables in a text; `start` is the offset of its first key, or where that would be."""

    start: int
    sections: dict[str, SectionSpan]
    tables: dict[str, TableSpan]


def layout(text: str) -> RegistryLayout | None:
    """Find the sections and rows in `text`; None when the lines are not enough to tell."""
    # With a newline added in front, the newline before a line is at the offset where the line starts in `text`.
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
    """Return `span` without blank lines at its end, and without comments there that are indented at most `indent`."""
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

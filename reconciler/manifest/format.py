"""Format a manifest: keys in the published order, two spaces per level, at most one blank line. Pure.

Words, quotes, comments and line breaks inside values stay as they are; only what is between them changes. A part with
an unusual layout (a `? ` key, a tag on its own line) is moved as a whole.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from msgspec import Struct

from reconciler.model.errors import InvalidManifest, ReconcilerError
from reconciler.model.record import Json
from reconciler.text.characters import encoded, newline_of
from reconciler.text.nodes import MappingNode, Node, ScalarNode, SequenceNode
from reconciler.text.patch import Unpatchable, verified

from .document import Source
from .flow import in_one_line
from .rules import EXTENSION
from .shape import ManifestDoc, keys_of, shape_inside
from .source import nodes_of, read, text_of

_STEP = 2
_AFTER_KEY = re.compile(r"[ \t]*:(?P<marks>(?:[ \t]+[&!]\S*)*)(?P<rest>[ \t]+#.*)?[ \t]*")
_BEFORE_VALUE = re.compile(r"[ \t]*:[ \t]*")
_DASH = re.compile(r"[ -]*-[ ]*")
_BLOCK_TEXT = re.compile(r"(?:[&!]\S*[ \t]+)*[|>](?P<marks>[-+0-9]*)")


def formatted(source: Source) -> bytes:
    """The formatted manifest. Its content and comments stay the same, and formatting it again changes nothing.

    If sorting the keys would put an alias before its anchor, the keys keep their order. A byte order mark and the kind
    of line ends stay.

    Raises:
        InvalidManifest: It is not YAML, or has a duplicate key.
        ReconcilerError: Its layout cannot be formatted without losing something.
    """
    before = read(source)
    if before.mistakes:
        raise InvalidManifest(before.mistakes)
    text = text_of(source)
    meant = (before.content, _words(source.data))
    for sorting in (True, False):
        lines = _laid_out(source.file, re.sub(r"\r\n?", "\n", text), sorting=sorting)
        with suppress(Unpatchable):
            after = verified(lines.replace("\n", newline_of(text)), meant, partial(_content, source))
            return encoded(after, source.data)
    raise ReconcilerError(
        f"{source.file} cannot be formatted without changing its content",
        fix="write the unusual parts in another way; the file was not changed",
    )


def _content(source: Source, text: str) -> tuple[Json, Counter[int]]:
    """The content of a new text of the manifest, and its characters."""
    data = encoded(text, source.data)
    reading = read(Source(source.file, data))
    if reading.mistakes:
        raise InvalidManifest(reading.mistakes)
    return reading.content, _words(data)


def _words(data: bytes) -> Counter[int]:
    """How often each byte occurs, white space aside. Formatting must neither lose nor add one."""
    return Counter(b"".join(data.split()))


# --- the page ---------------------------------------------------------------------------------


class _Page(Struct, frozen=True):
    """The lines of a manifest. `starts` are the offsets of their first characters."""

    text: str
    lines: list[str]
    starts: list[int]
    sorting: bool

    def line(self, offset: int) -> int:
        """The index of the line that holds `offset`."""
        return bisect_right(self.starts, offset) - 1

    def column(self, offset: int) -> int:
        """The distance of `offset` from the start of its line."""
        return offset - self.starts[self.line(offset)]

    def start(self, node: Node) -> int:
        """The offset of a node. An empty node is after its colon or dash."""
        line, column = node.at
        return node.span[0] if node.span[0] < node.span[1] else self.starts[line - 1] + column - 1

    def before(self, offset: int) -> str:
        """The text before `offset` on its line."""
        return self.text[self.starts[self.line(offset)] : offset]

    def after(self, offset: int) -> str:
        """The text from `offset` to the end of its line."""
        line = self.line(offset)
        return self.lines[line][offset - self.starts[line] :]


class _UnusualLayout(Exception):
    """A part has an unusual layout."""


@dataclass(slots=True)
class _Part:
    """One entry of a block mapping, or one item (without a key) of a block sequence: lines `first` up to `last`.

    `lead` are the comments and blank lines above it, `column` is the column of its key or dash.
    """

    key: ScalarNode | None
    value: Node
    column: int
    first: int
    last: int
    lead: list[str]


def _laid_out(file: str, text: str, *, sorting: bool) -> str:
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    page = _Page(text, lines, starts[:-1], sorting)
    root = nodes_of(file, text)
    if root is None or root.span[0] == root.span[1]:  # empty, or empty after `---`
        return _joined(_without_blank_end(_comments(lines, 0)))
    top = page.line(root.span[0])
    head = _comments(lines[:top], 0)
    try:
        body = _block(page, root, (top, len(lines)), 0, ManifestDoc)
    except _UnusualLayout:
        body = [
            _flow_line(page, root),
            *_without_blank_end([line.rstrip() for line in lines[page.line(root.span[1] - 1) + 1 :]]),
        ]
    return _joined([*head, *body])


def _joined(lines: list[str]) -> str:
    text = "\n".join(_without_blank_start(lines))
    return text + "\n" if text else ""


def _flow_line(page: _Page, root: Node) -> str:
    """A manifest whose outermost mapping is written in braces."""
    inline = in_one_line(page.text, root, ManifestDoc if page.sorting else None)
    end = root.span[1]
    return (page.before(root.span[0]) + (inline or page.text[slice(*root.span)]) + page.after(end)).rstrip()


# --- blocks -----------------------------------------------------------------------------------


def _block(page: _Page, node: Node, region: tuple[int, int], indent: int, shape: Any) -> list[str]:
    """The lines of a block mapping or sequence, including the comments around its parts."""
    parts = _parts(page, node)
    column, (start, end) = parts[0].column, region
    parts[0].lead = _only_comments(page, start, parts[0].first)
    for part, following in pairwise(parts):
        part.last = _end_with_comments(page, part, following.first)
        following.lead = _only_comments(page, part.last, following.first)
    parts[-1].last = _end_with_comments(page, parts[-1], end)
    foot = page.lines[parts[-1].last : end]
    if any(part.column != column for part in parts):
        raise _UnusualLayout
    ordered = _ordered(parts, shape) if page.sorting else parts
    lines = [
        line for part in ordered for line in (*_comments(part.lead, indent), *_part_lines(page, part, indent, shape))
    ]
    return _without_blank_start([*lines, *_without_blank_end(_comments(foot, indent))])


def _parts(page: _Page, node: Node) -> list[_Part]:
    match node:
        case MappingNode(entries, flow=False) if entries:
            return [_entry_part(page, key, value, index) for index, (key, value) in enumerate(entries)]
        case SequenceNode(items, flow=False) if items:
            return [_item_part(page, item, index) for index, item in enumerate(items)]
        case _:
            raise _UnusualLayout


def _entry_part(page: _Page, key: Node, value: Node, index: int) -> _Part:
    """An entry whose key is the first word on its line. Only the first entry may have dashes before it."""
    before = page.before(key.span[0])
    if not isinstance(key, ScalarNode) or before.strip(" -" if index == 0 else " "):
        raise _UnusualLayout
    line = page.line(key.span[0])
    return _Part(key=key, value=value, column=len(before), first=line, last=_end_line(page, key, value), lead=[])


def _item_part(page: _Page, item: Node, index: int) -> _Part:
    start = page.start(item)
    before = page.before(start)
    column = before.rfind("-")
    if not _DASH.fullmatch(before) or (index and before[:column].strip()):
        raise _UnusualLayout
    line = page.line(start)
    return _Part(key=None, value=item, column=column, first=line, last=_end_line(page, item, item), lead=[])


def _end_line(page: _Page, key: Node, value: Node) -> int:
    """The line after the last one of a part. Blank lines that a block text keeps (`|+`) belong to it."""
    end = max(key.span[1], value.span[1], page.start(value))
    kept = _block_text(page, value)
    if not (kept and "+" in kept["marks"]):
        end = len(page.text[:end].rstrip())
    return page.line(max(end - 1, 0)) + 1


def _block_text(page: _Page, value: Node) -> re.Match[str] | None:
    """The header of a literal or folded block text; None for any other value."""
    return _BLOCK_TEXT.match(page.text, value.span[0]) if isinstance(value, ScalarNode) and not value.plain else None


def _end_with_comments(page: _Page, part: _Part, end: int) -> int:
    """The line after the comments right below a part that are indented deeper than the part.

    A block text has no such comments, because they would be part of the text.
    """
    last = part.last
    if _block_text(page, part.value):
        return last
    for index in range(part.last, end):
        text = page.lines[index].lstrip(" \t")
        if text and (text[0] != "#" or len(page.lines[index]) - len(text) <= part.column):
            break
        last = index + 1 if text else last
    return last


def _only_comments(page: _Page, start: int, end: int) -> list[str]:
    lines = page.lines[start:end]
    if any(line.strip() and line.strip()[0] != "#" for line in lines):
        raise _UnusualLayout
    return lines


def _ordered(parts: list[_Part], shape: Any) -> list[_Part]:
    """The parts in the order of the published keys. A merge key comes first, unknown keys come last.

    Keys that begin with `x-` come after `version`, because their anchors are for what follows.

    If another part is first now, the blank line above it moves to the part that was first.
    """
    known = keys_of(shape)
    if not known:
        return parts
    ranks = {name: float(rank) for rank, name in enumerate(["<<", *known])}
    result = sorted(parts, key=lambda part: _rank(part, ranks))
    if result[0] is not parts[0] and result[0].lead and not result[0].lead[0].strip():
        parts[0].lead = ["", *parts[0].lead]
    return result


def _rank(part: _Part, ranks: Mapping[str, float]) -> float:
    if part.key is None:
        return 0
    if part.key.text.startswith(EXTENSION):
        return ranks.get("version", len(ranks)) + 0.5
    return ranks.get(part.key.text, len(ranks))


# --- parts ------------------------------------------------------------------------------------


def _part_lines(page: _Page, part: _Part, indent: int, shape: Any) -> list[str]:
    """The lines of one part, moved to the column `indent`."""
    inner = shape_inside(shape, part.key.text if part.key else "0")
    try:
        if isinstance(part.value, MappingNode | SequenceNode) and not part.value.flow:
            return _nested(page, part, indent, inner)
        return _leaf(page, part, indent, inner)
    except _UnusualLayout:
        first, *others = page.lines[part.first : part.last]
        return [" " * indent + first[part.column :], *_moved(others, part.column, indent)]


def _nested(page: _Page, part: _Part, indent: int, shape: Any) -> list[str]:
    if part.key is None:
        return _behind_dash(_block(page, part.value, (part.first, part.last), indent + _STEP, shape), indent)
    head = _AFTER_KEY.fullmatch(page.after(part.key.span[1]))
    if head is None:
        raise _UnusualLayout
    line = f"{' ' * indent}{_source(page, part.key)}:{_spaced(head['marks'])}"
    tail = _with_comment(line, page, part.key.span[1] + head.start("rest"), head["rest"] or "")
    return [tail, *_block(page, part.value, (part.first + 1, part.last), indent + _STEP, shape)]


def _spaced(marks: str) -> str:
    return "".join(f" {mark}" for mark in marks.split())


def _behind_dash(lines: list[str], indent: int) -> list[str]:
    """The lines of an item's block after its dash. Comments that come first now are put above the dash."""
    first = next(index for index, line in enumerate(lines) if line.strip() and line.lstrip()[0] != "#")
    above = [" " * indent + line.lstrip() for line in lines[:first] if line]
    return [*above, f"{' ' * indent}- {lines[first].lstrip()}", *lines[first + 1 :]]


def _leaf(page: _Page, part: _Part, indent: int, shape: Any) -> list[str]:
    """The lines of an entry or item that is not a block, with its comments."""
    value, start = part.value, page.start(part.value)
    head = _head(page, part)
    last = page.line(max(value.span[1] - 1, start))
    if page.line(start) != part.first:
        raise _UnusualLayout
    if _block_text(page, value):
        return [" " * indent + head + page.after(start).rstrip(), *_text_lines(page, part, indent)]
    below = [" " * (indent + _STEP) + line.strip() for line in page.lines[last + 1 : part.last] if line.strip()]
    if last > part.first:
        first = " " * indent + head + page.after(start).rstrip()
        return [first, *_moved(page.lines[part.first + 1 : last + 1], part.column, indent), *below]
    content = in_one_line(page.text, value, shape if page.sorting else None) or _source(page, value)
    line = (" " * indent + head + content).rstrip()
    return [_with_comment(line, page, *_rest(page, part)), *below]


def _head(page: _Page, part: _Part) -> str:
    """The text before the value: `key: ` or `- `."""
    if part.key is None:
        return "- "
    if not _BEFORE_VALUE.fullmatch(page.text[part.key.span[1] : page.start(part.value)]):
        raise _UnusualLayout
    return f"{_source(page, part.key)}: "


def _rest(page: _Page, part: _Part) -> tuple[int, str]:
    """The offset and the text of the rest of a value's last line: empty, or a comment."""
    end = max(part.value.span[1], page.start(part.value))
    rest = page.after(end).rstrip()
    if rest.strip() and not re.match(r"[ \t]+#", rest):
        raise _UnusualLayout
    return end, rest


def _text_lines(page: _Page, part: _Part, indent: int) -> Iterable[str]:
    """The lines of a literal or folded block text. If its header has an indent number, it keeps its indent."""
    lines = page.lines[part.first + 1 : part.last]
    found = _block_text(page, part.value)
    full = next((line for line in lines if line.strip(" ")), None)
    if full is None or (found and re.search(r"\d", found["marks"])):
        return _moved(lines, part.column, indent)
    return _moved(lines, len(full) - len(full.lstrip(" ")), indent + _STEP)


def _moved(lines: Iterable[str], column: int, indent: int) -> list[str]:
    """The lines, moved from `column` to `indent`."""
    return [_from(line, column, indent) for line in lines]


def _from(line: str, column: int, indent: int) -> str:
    blanks = len(line) - len(line.lstrip(" "))
    rest = line[min(blanks, column) :]
    return " " * indent + rest if rest else ""


def _source(page: _Page, node: Node) -> str:
    return page.text[slice(*node.span)]


def _with_comment(line: str, page: _Page, offset: int, rest: str) -> str:
    """The line with the comment `rest`, in its former column if there is room."""
    comment = rest.strip()
    if not comment:
        return line
    column = page.column(offset) + rest.index("#")
    return line + " " * max(1, column - len(line)) + comment


def _comments(lines: Iterable[str], indent: int) -> list[str]:
    """The comments at `indent`, with at most one blank line in a row."""
    kept: list[str] = []
    for line in lines:
        text = line.strip(" \t")
        if text or kept[-1:] != [""]:
            kept.append(" " * indent + text if text else "")
    return kept


def _without_blank_start(lines: list[str]) -> list[str]:
    """The lines without blank ones at the start."""
    first = next((index for index, line in enumerate(lines) if line), len(lines))
    return lines[first:]


def _without_blank_end(lines: list[str]) -> list[str]:
    """The lines without blank ones at the end."""
    return _without_blank_start(lines[::-1])[::-1]

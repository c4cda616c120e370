"""A manifest's text with one entry more, or one less; every other byte stays. Pure.

YAML tells where the parts stand, the edit itself is one of text. What comes of it is read again, and
believed only when it says what it said before but for that entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from reconciler.model.diagnostic import Place
from reconciler.model.errors import InvalidManifest, ReconcilerError
from reconciler.model.record import Json
from reconciler.model.scalars import is_plain

from .compose import Broken, Node, Scalar, Table, compose
from .document import Source, place_of
from .source import read, text_of

_BOM = "\ufeff"
_INDENT = 2
_NULLS = {"", "~", "null", "Null", "NULL"}
Path: TypeAlias = Sequence[str]
Entry: TypeAlias = tuple[Scalar, Node]


class Patch(NamedTuple):
    """Put `text` where `start` to `end` is now."""

    start: int
    end: int
    text: str


class Added(NamedTuple):
    """A manifest with an entry more, and the text that came in for it."""

    data: bytes
    text: str


class _NoPlace(Exception):
    """The text cannot be edited without touching something else."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A text and the entries that stand along a path in it, outermost first, as far as they exist."""

    text: str
    root: Table
    way: tuple[Entry, ...]

    @property
    def newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    @property
    def tables(self) -> tuple[Node, ...]:
        """The root, and the values along the path."""
        return (self.root, *(value for _, value in self.way))


def place_in(source: Source, path: Path) -> Place | None:
    """Where the entry at `path` stands in the manifest, None when there is none."""
    reading = read(source)
    name = ".".join(path)
    return place_of(source.file, reading.places, name) if name in reading.places else None


def added(source: Source, path: Path, value: Mapping[str, Json]) -> Added:
    """The manifest with `value` at `path`, where nothing stands yet.

    Mappings that are missing on the way are made; a file that says nothing gets its version, too.

    Raises:
        InvalidManifest: The manifest is no YAML.
        ReconcilerError: Its text cannot be edited without touching something else.
    """
    try:
        text, root = _composed(source)
        if root is None:
            whole = _with({"version": 1}, path, value)
            gap = "" if not text or text.endswith("\n") else "\n"
            lines = [line for key, inner in whole.items() for line in _block(key, inner, 0, _INDENT)]
            new = "\n".join([*lines, ""])
            return Added(_proved(source, text + gap + new, whole), new)
        patches = _insertion(_parsed(text, root, path), path, value)
        result = _proved(source, _patched(text, *patches), _with(read(source).content, path, value))
        return Added(result, patches[-1].text)
    except _NoPlace as error:
        raise _by_hand(source, path, "add") from error


def removed(source: Source, path: Path) -> bytes:
    """The manifest without the entry at `path`; a mapping that is left empty is written `{}`.

    Comments on its lines go with it, and so do those right below that are indented deeper.

    Raises:
        InvalidManifest: The manifest is no YAML.
        ReconcilerError: Its text cannot be edited without touching something else.
    """
    try:
        text, root = _composed(source)
        patches = _removal(_parsed(text, root, path), path)
        return _proved(source, _patched(text, *patches), _without(read(source).content, path))
    except _NoPlace as error:
        raise _by_hand(source, path, "remove") from error


def _by_hand(source: Source, path: Path, what: str) -> ReconcilerError:
    return ReconcilerError(
        f"{source.file} cannot be edited without touching more than `{'.'.join(path)}`",
        detail="an alias, a merge key or the way it is laid out is in the way",
        fix=f"{what} the block by hand, then `reconciler apply`",
    )


def _composed(source: Source) -> tuple[str, Table | None]:
    try:
        text = text_of(source)
        root = compose(source.file, text)
    except Broken as broken:
        raise InvalidManifest((broken.diagnostic,)) from broken
    if root is None or isinstance(root, Table):
        return text, root
    raise _NoPlace


def _parsed(text: str, root: Table | None, path: Path) -> _Parsed:
    if root is None:
        raise _NoPlace
    way: list[Entry] = []
    node: Node = root
    for name in path:
        entry = _own_entry(node, name)
        if entry is None:
            break
        way.append(entry)
        node = entry[1]
    return _Parsed(text, root, tuple(way))


def _own_entry(node: Node, name: str) -> Entry | None:
    """The entry that is written in this very mapping, not one behind an alias or a merge key."""
    entries = node.entries if isinstance(node, Table) else []
    return next(((key, value) for key, value in entries if isinstance(key, Scalar) and key.text == name), None)


def _proved(source: Source, text: str, expected: Json) -> bytes:
    """The bytes of `text`, which says what is `expected` of it."""
    bom = _BOM if source.data.startswith(_BOM.encode()) else ""
    result = (bom + text).encode()
    reading = read(Source(source.file, result))
    if reading.broken or reading.content != expected:
        raise _NoPlace
    return result


def _patched(text: str, *patches: Patch) -> str:
    for patch in sorted(patches, reverse=True):
        text = text[: patch.start] + patch.text + text[patch.end :]
    return text


def _with(content: Json, path: Path, value: Json) -> dict[str, Json]:
    own = dict(content) if isinstance(content, Mapping) else {}
    name, *rest = path
    return {**own, name: _with(own.get(name), rest, value) if rest else value}


def _without(content: Json, path: Path) -> dict[str, Json]:
    own = dict(content) if isinstance(content, Mapping) else {}
    name, *rest = path
    if rest:
        return {**own, name: _without(own.get(name), rest)}
    return {key: value for key, value in own.items() if key != name}


# --- one entry more ---------------------------------------------------------------------------


def _insertion(found: _Parsed, path: Path, value: Mapping[str, Json]) -> tuple[Patch, ...]:
    """Put what is missing into the innermost mapping that is there; the last patch is what comes in."""
    name, *rest = path[len(found.way) :]
    nested: Json = value
    for key in reversed(rest):
        nested = {key: nested}
    within = found.tables[-1]
    if isinstance(within, Table) and within.entries:
        return (_in_braces(found, within, name, nested) if within.flow else _below(found, within, name, nested),)
    return _into_nothing(found, within, name, nested)


def _below(found: _Parsed, within: Table, name: str, value: Json) -> Patch:
    """A new entry behind the last one of a block, with its indent."""
    indent = _column(within.entries[0][0])
    at = _last_line(found.text, *within.entries[-1], indent)
    return Patch(at, at, _new_lines(found, name, value, indent))


def _new_lines(found: _Parsed, name: str, value: Json, indent: int) -> str:
    return "".join(found.newline + line for line in _block(name, value, indent, _step(found.root)))


def _into_nothing(found: _Parsed, within: Node, name: str, value: Json) -> tuple[Patch, ...]:
    """The first entry of a mapping that says nothing yet; `{}` gives way to a block."""
    text, holder = found.text, found.tables[-2:-1]
    empty = isinstance(within, Table) or (isinstance(within, Scalar) and within.plain and within.text in _NULLS)
    if not empty or not isinstance(holder[0] if holder else None, Table):
        raise _NoPlace
    key, block = found.way[-1][0], not _flow(holder[0])
    colon = text.index(":", key.span[1]) + 1
    said = text[colon : within.span[1]]
    if isinstance(within, Table) and not (block and said == " {}"):
        return (_in_braces(found, within, name, value),)
    if not block:
        raise _NoPlace
    at = _line_end(text, colon)
    new = _new_lines(found, name, value, _column(key) + _step(found.root))
    return Patch(colon, colon + len(said), ""), Patch(at, at, new)


def _in_braces(found: _Parsed, within: Table, name: str, value: Json) -> Patch:
    """A new entry behind the last one in braces, on a line of its own where that one has one."""
    new = f"{_word(name)}: {_inline(value)}"
    if not within.entries:
        at = found.text.index("{", within.span[0]) + 1
        return Patch(at, at, new)
    key, last = within.entries[-1]
    start, at = key.span[0], _behind(found.text, key, last)
    margin = found.text[found.text.rfind("\n", 0, start) + 1 : start]
    between = " " if margin.strip() or "\n" not in found.text[within.span[0] : start] else found.newline + margin
    return Patch(at, at, f",{between}{new}")


def _block(name: str, value: Json, indent: int, step: int) -> list[str]:
    """The lines of an entry; a mapping that holds no other one stands on one line."""
    head = f"{' ' * indent}{_word(name)}:"
    if not isinstance(value, Mapping) or not any(isinstance(inner, Mapping) for inner in value.values()):
        return [f"{head} {_inline(value)}"]
    return [head, *(line for key, inner in value.items() for line in _block(key, inner, indent + step, step))]


def _inline(value: Json) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_word(key)}: {_inline(inner)}" for key, inner in value.items()) + "}"
    return _word(value) if isinstance(value, str) else json.dumps(value)


def _word(text: str) -> str:
    """A text as YAML takes it for one, in quotes where it needs them."""
    if is_plain(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


# --- one entry less ---------------------------------------------------------------------------


def _removal(found: _Parsed, path: Path) -> Iterator[Patch]:
    holder = found.tables[-2] if len(found.way) == len(path) else None
    if not isinstance(holder, Table):
        raise _NoPlace
    key, value = found.way[-1]
    if holder.flow:
        yield _cut_in_braces(found.text, holder, (key, value))
        return
    start = found.text.rfind("\n", 0, key.span[0])
    if found.text[start + 1 : key.span[0]].strip():
        raise _NoPlace
    start -= found.text[start - 1 : start] == "\r"
    yield Patch(max(start, 0), _last_line(found.text, key, value, _column(key)), "")
    if len(holder.entries) == 1 and len(found.way) > 1:
        colon = found.text.index(":", found.way[-2][0].span[1]) + 1
        yield Patch(colon, colon, " {}")


def _cut_in_braces(text: str, holder: Table, entry: Entry) -> Patch:
    """The entry with one comma: that before it, else that behind it."""
    at = holder.entries.index(entry)
    start, end = entry[0].span[0], _behind(text, *entry)
    if at:
        before = _behind(text, *holder.entries[at - 1])
        return Patch(before, end, "")
    following = holder.entries[at + 1][0].span[0] if len(holder.entries) > 1 else end
    return Patch(start, following, "")


# --- where things stand -----------------------------------------------------------------------


def _flow(node: Node) -> bool:
    return isinstance(node, Table) and node.flow


def _column(key: Node) -> int:
    return key.at[1] - 1


def _step(root: Table) -> int:
    """How much deeper this manifest indents what is inside."""
    blocks = (value for _, value in root.entries if isinstance(value, Table) and value.entries and not value.flow)
    first = next(blocks, None)
    return _column(first.entries[0][0]) - _column(root.entries[0][0]) if first else _INDENT


def _behind(text: str, key: Node, value: Node) -> int:
    """The offset behind an entry in braces; a value that is left out ends behind its colon and a space."""
    end = max(key.span[1], value.span[1])
    colon = re.compile(r"\s*: ?").match(text, end) if value.span[0] == value.span[1] else None
    return colon.end() if colon else end


def _last_line(text: str, key: Node, value: Node, indent: int) -> int:
    """The end of the last line of an entry, the comments right below that are indented deeper included."""
    end = _line_end(text, len(text[: max(key.span[1], value.span[1])].rstrip()))
    while (comment := re.compile(r"\r?\n( *)#").match(text, end)) and len(comment[1]) > indent:
        end = _line_end(text, comment.end())
    return end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - (text[end - 1 : end] == "\r")

"""Bytes -> plain data: what the file says, and where it says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.record import Json
from reconciler.model.scalars import resolved

from .compose import MAX_DEPTH, Alias, Broken, Items, Node, Scalar, Table, compose, give_up
from .document import Source, mistake
from .rules import unprintable

MAX_BYTES = 4 * 1024 * 1024
MAX_ALIASED = 10_000


@dataclass(slots=True)
class Reading:
    """What was found in one file.

    `places` maps dotted paths to line and column of their keys, `texts` those of numbers, booleans
    and nulls to the way they are written; `content` is None when the file says nothing.
    """

    file: str
    content: Json = None
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    mistakes: list[Diagnostic] = field(default_factory=list)
    broken: bool = False
    aliased: int = 0


def read(source: Source) -> Reading:
    """What `source` holds, with every mistake that is one of YAML, not of manifests."""
    reading = Reading(source.file)
    try:
        node = compose(source.file, text_of(source))
        if node is not None:
            reading.places[""] = node.at
            reading.content = _value(reading, node, "", None, 0)
    except Broken as broken:
        reading.mistakes.append(broken.diagnostic)
        reading.broken = True
    return reading


def text_of(source: Source) -> str:
    """The characters of a manifest, without a mark of the byte order; raises Broken when it cannot be one."""
    data = source.data
    if len(data) > MAX_BYTES:
        give_up(
            source.file,
            (1, 1),
            f"{len(data):,} bytes is too big for a manifest",
            f"at most {MAX_BYTES:,} bytes; split the file",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        give_up(
            source.file,
            (line, 0),
            f"not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}",
            "save the file as UTF-8",
        )
    if found := unprintable(text):
        start = found.start()
        at = (text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
        give_up(source.file, at, f"the control character U+{ord(found.group()):04X}", "remove it")
    return text


def _value(reading: Reading, node: Node, path: str, via: Alias | None, depth: int) -> Json:
    """The plain data of `node`; `via` is the alias on the way to it, if any."""
    _spend(reading, via, node.at, depth)
    match node:
        case Alias():
            return _value(reading, node.target, path, via or node, depth + 1)
        case Scalar():
            return _scalar(reading, node, path)
        case Items():
            return [_item(reading, item, f"{path}.{index}", via, depth) for index, item in enumerate(node.nodes)]
        case Table():
            content: dict[str, Json] = {}
            for name, (key, value) in _entries(reading, node, via, depth).items():
                inner = f"{path}.{name}" if path else name
                reading.places[inner] = key.at
                content[name] = _value(reading, value, inner, via, depth + 1)
            return content


def _item(reading: Reading, node: Node, path: str, via: Alias | None, depth: int) -> Json:
    reading.places[path] = node.at
    return _value(reading, node, path, via, depth + 1)


def _spend(reading: Reading, via: Alias | None, at: tuple[int, int], depth: int) -> None:
    if depth > MAX_DEPTH:
        give_up(reading.file, at, f"nested more than {MAX_DEPTH} levels deep", "a manifest needs fewer than 10")
    if via is None:
        return
    reading.aliased += 1
    if reading.aliased > MAX_ALIASED:
        give_up(
            reading.file,
            via.at,
            f"`*{via.name}` makes the manifest too big",
            f"aliases may unfold into {MAX_ALIASED:,} nodes",
        )


def _scalar(reading: Reading, node: Scalar, path: str) -> Json:
    value = resolved(node.text) if node.plain else node.text
    if not isinstance(value, str):
        reading.texts[path] = node.text
    return value


def _entries(reading: Reading, table: Table, via: Alias | None, depth: int) -> dict[str, tuple[Scalar, Node]]:
    """The entries of a mapping by key, those of its merge keys (`<<`) beneath its own."""
    own: dict[str, tuple[Scalar, Node]] = {}
    inherited: dict[str, tuple[Scalar, Node]] = {}
    for key, value in table.entries:
        if not isinstance(key, Scalar):
            reading.mistakes.append(
                mistake("a key must be a word", Place(reading.file, *key.at), fix="write `key: value`")
            )
        elif key.plain and key.text == "<<":
            for base, through in _bases(reading, value, via, depth + 1):
                inherited = {**_entries(reading, base, through, depth + 1), **inherited}
        elif key.text in own:
            reading.mistakes.append(_duplicate(reading.file, own[key.text][0], key))
        else:
            own[key.text] = (key, value)
    return {**inherited, **own}


def _duplicate(file: str, first: Scalar, second: Scalar) -> Diagnostic:
    return mistake(
        f"`{second.text}` stands twice in one mapping",
        Place(file, *second.at),
        detail=f"lines {first.at[0]} and {second.at[0]}",
        fix="keep one of them",
    )


def _bases(reading: Reading, node: Node, via: Alias | None, depth: int) -> Iterator[tuple[Table, Alias | None]]:
    """The mappings that a merge key names: one, or a list of them, the first wins."""
    _spend(reading, via, node.at, depth)
    match node:
        case Table():
            yield node, via
        case Alias():
            yield from _bases(reading, node.target, via or node, depth + 1)
        case Items():
            for item in node.nodes:
                yield from _bases(reading, item, via, depth + 1)
        case Scalar():
            reading.mistakes.append(
                mistake(
                    "`<<` merges mappings only",
                    Place(reading.file, *node.at),
                    detail=node.text,
                    fix="write `<<: *anchor`",
                )
            )

"""Add one entry to a manifest, or remove one. Every other byte stays. Pure.

The new text is read again. It is used only if nothing but that entry has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.model.diagnostic import Place
from reconciler.model.errors import ReconcilerError
from reconciler.model.record import Json
from reconciler.text.characters import encoded
from reconciler.text.entries import Path, addition, first_entries, item_removal, removal
from reconciler.text.nodes import MappingNode
from reconciler.text.patch import Patch, Unpatchable, edited

from .document import Source, place_of
from .source import nodes_of, read, text_of


class Added(NamedTuple):
    """A manifest with a new entry, and the text that was added."""

    data: bytes
    text: str


def place_in(source: Source, path: Path) -> Place | None:
    """The place of the entry at `path` in the manifest; None when there is no such entry."""
    reading = read(source)
    name = ".".join(path)
    return place_of(source.file, reading.places, name) if name in reading.places else None


def added(source: Source, path: Path, value: Mapping[str, Json]) -> Added:
    """The manifest with `value` at `path`, where there is no entry yet.

    Missing mappings on the way are created. An empty file also gets its `version`.

    Raises:
        InvalidManifest: The manifest is not YAML.
        ReconcilerError: The text cannot be edited without changing something else.
    """
    try:
        text, root = _composed(source)
        if root is None:
            meant = _with({"version": 1}, path, value)
            patches = first_entries(text, meant)
        else:
            meant = _with(read(source).content, path, value)
            patches = addition(text, root, path, value)
        return Added(_proved(source, text, patches, meant), patches[-1].text)
    except Unpatchable as error:
        raise _by_hand(source, path, "add") from error


def removed(source: Source, path: Path) -> bytes:
    """The manifest without the entry at `path`. A mapping that becomes empty is written `{}`.

    Comments on its lines are removed too, and so are deeper indented comments right below it.

    Raises:
        InvalidManifest: The manifest is not YAML.
        ReconcilerError: The text cannot be edited without changing something else.
    """
    try:
        text, root = _composed(source)
        patches = removal(text, root, path) if root else ()
        return _proved(source, text, patches, _without(read(source).content, path))
    except Unpatchable as error:
        raise _by_hand(source, path, "remove") from error


def without_items(source: Source, path: Path, keys: Iterable[str]) -> bytes:
    """The manifest without these items of the `for_each` in the block at `path`; others stay.

    Raises:
        InvalidManifest: The manifest is not YAML.
        ReconcilerError: The block has no such `for_each`, or the text cannot be edited without changing more.
    """
    for key in keys:
        source = Source(source.file, _without_item(source, path, key))
    return source.data


def _without_item(source: Source, path: Path, key: str) -> bytes:
    content, items = read(source).content, (*path, "for_each")
    given = _at(content, items)
    if isinstance(given, Mapping):
        return removed(source, (*items, key))
    if not isinstance(given, list):
        why = "counts its agents" if "count" in _table(content, path) else "takes over its `for_each`"
        raise ReconcilerError(
            f"`{'.'.join(path)}` {why}: one of them cannot be removed alone",
            fix="write `for_each:` with the keys to keep into the block, then run `reconciler apply`",
        )
    try:
        text, root = _composed(source)
        patches = item_removal(text, root, items, key) if root else ()
        return _proved(source, text, patches, _put(content, items, [each for each in given if each != key]))
    except Unpatchable as error:
        raise _by_hand(source, (*items, key), "remove") from error


def _at(content: Json, path: Path) -> Json:
    for name in path:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _table(content: Json, path: Path) -> Mapping[str, Json]:
    found = _at(content, path)
    return found if isinstance(found, Mapping) else {}


def _by_hand(source: Source, path: Path, what: str) -> ReconcilerError:
    return ReconcilerError(
        f"{source.file} cannot be edited without changing more than `{'.'.join(path)}`",
        detail="an alias, a merge key or an unusual layout prevents it",
        fix=f"{what} the block by hand, then run `reconciler apply`",
    )


def _composed(source: Source) -> tuple[str, MappingNode | None]:
    text = text_of(source)
    root = nodes_of(source.file, text)
    if root is None or isinstance(root, MappingNode):
        return text, root
    raise Unpatchable("it is not a mapping")


def _proved(source: Source, text: str, patches: Iterable[Patch], meant: Json) -> bytes:
    """The bytes of the edited text, after a check that its content is `meant`."""

    def content(result: str) -> Json:
        reading = read(Source(source.file, encoded(result, source.data)))
        if reading.broken:
            raise Unpatchable("it would no longer be YAML")
        return reading.content

    return encoded(edited(text, patches, meant, content), source.data)


def _with(content: Json, path: Path, value: Json) -> dict[str, Json]:
    own = dict(content) if isinstance(content, Mapping) else {}
    name, *rest = path
    return {**own, name: _with(own.get(name), rest, value) if rest else value}


def _put(content: Json, path: Path, value: Json) -> dict[str, Json]:
    own = dict(content) if isinstance(content, Mapping) else {}
    name, *rest = path
    return {**own, name: _put(own.get(name), rest, value) if rest else value}


def _without(content: Json, path: Path) -> dict[str, Json]:
    own = dict(content) if isinstance(content, Mapping) else {}
    name, *rest = path
    if rest:
        return {**own, name: _without(own.get(name), rest)}
    return {key: value for key, value in own.items() if key != name}

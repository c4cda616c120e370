"""Lay files with `merge: true` over the others: they may change what those declare. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec.structs import replace

from reconciler.model.diagnostic import Place

from .document import Document
from .rules import REPEATED

_BY_NAME = frozenset({"workspaces", "agent_types", "templates"})
_OF_THE_FILE = frozenset({"version", "merge", "include", "accept"})


def overlaid(documents: Sequence[Document]) -> tuple[Document, ...]:
    """The documents, with what those with `merge: true` say laid over the others, in the order of the documents.

    Mappings are merged key by key; texts, numbers and lists are replaced. What no other file declares is added.
    """
    plain = [each for each in documents if not each.content.get("merge")]
    for over in (each for each in documents if each.content.get("merge")):
        parts = list(_parts(over.content))
        plain = [_under(each, over, parts) for each in plain]
        own = dict.fromkeys(each for each in parts if not any(_has(under, each) for under in plain))
        plain.append(replace(over, content=cast("Any", _only(over.content, own))))
    return tuple(sorted(plain, key=lambda each: each.file))


def _parts(content: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths of what a manifest declares: settings, and blocks by name."""
    for key, value in content.items():
        if key in _BY_NAME:
            yield from ((key, name) for name in value)
        elif key not in _OF_THE_FILE:
            yield (key,)


def _has(document: Document, part: tuple[str, ...]) -> bool:
    return _at(document.content, part) is not _MISSING


_MISSING = object()


def _at(content: Any, path: Iterable[str]) -> Any:
    for key in path:
        content = content.get(key, _MISSING) if isinstance(content, Mapping) else _MISSING
    return content


def _only(content: Mapping[str, Any], parts: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """The content with these parts, and with what holds for the file alone."""
    result: dict[str, Any] = {key: content[key] for key in _OF_THE_FILE if key in content}
    for key, *name in parts:
        if name:
            result[key] = {**result.get(key, {}), name[0]: content[key][name[0]]}
        else:
            result[key] = content[key]
    return result


def _under(document: Document, over: Document, parts: Iterable[tuple[str, ...]]) -> Document:
    """The document with the parts of `over` that it declares, too."""
    shared = [part for part in parts if _has(document, part)]
    if not shared:
        return document
    content: dict[str, Any] = dict(document.content)
    for key, *name in shared:
        if name:
            content[key] = {**content[key], name[0]: _merged(content[key][name[0]], over.content[key][name[0]])}  # type: ignore[literal-required] # a section
        else:
            content[key] = _merged(content[key], over.content[key])  # type: ignore[literal-required] # a setting
    elsewhere = dict(_changed_places(document, over, shared))
    return replace(document, content=cast("Any", content), elsewhere={**document.elsewhere, **elsewhere})


def _merged(under: Any, over: Any) -> Any:
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return under if over is None else over  # an agent without settings changes nothing
    dropped = REPEATED - over.keys() if not REPEATED.isdisjoint(over) else frozenset()
    result = {key: value for key, value in under.items() if key not in dropped}
    return result | {key: _merged(under[key], value) if key in under else value for key, value in over.items()}


def _changed_places(
    document: Document, over: Document, shared: Sequence[tuple[str, ...]]
) -> Iterator[tuple[str, Place]]:
    """The places in `over` of the values that it changes or adds."""
    starts = tuple(".".join(part) for part in shared)
    for path, at in over.places.items():
        if not any(path == start or path.startswith(f"{start}.") for start in starts):
            continue
        if path not in document.places or not isinstance(_at(over.content, path.split(".")), Mapping | None):
            yield path, Place(over.file, *at)

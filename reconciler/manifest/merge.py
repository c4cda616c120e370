"""Merge several documents into one: named blocks are joined, and settings must be the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from reconciler.model.address import block_name
from reconciler.model.diagnostic import Diagnostic, Place

from .document import mistake
from .variables import ExpandedDocument

_SETTINGS = ("project", "tmux", "defaults", "budget", "jobs")
_SECTIONS = ("workspaces", "agent_types", "templates")
_BROKER = "broker"
_ACCEPT = "accept"
DEFAULT_BROKER = "main"


class Block(Struct, frozen=True):
    """A block of one manifest: its content and its path."""

    source: ExpandedDocument
    path: str
    content: Any

    def place(self, key: str = "") -> Place:
        """The place of the block, or of `key` in it."""
        return self.source.place(f"{self.path}.{key}" if key else self.path)


class MergedManifests(Struct, frozen=True):
    """All documents as one: settings by key, named blocks by section and name."""

    settings: Mapping[str, Block]
    sections: Mapping[str, Mapping[str, Block]]


def merge(sources: Sequence[ExpandedDocument]) -> tuple[MergedManifests, list[Diagnostic]]:
    """The merged `sources`, and a mistake for each duplicate name and each setting that differs."""
    mistakes: list[Diagnostic] = []
    settings: dict[str, Block] = {}
    sections: dict[str, dict[str, Block]] = {section: {} for section in (*_SECTIONS, _BROKER, _ACCEPT)}
    for source in sources:
        for key in _SETTINGS:
            if key in source.content:
                mistakes += _set(settings, Block(source, key, source.content[key]))
        for section in _SECTIONS:
            for name, content in source.content.get(section, {}).items():
                path = f"{section}.{name}"
                mistakes += _declare(sections[section], name, Block(source, path, content), path)
        if _BROKER in source.content:
            block = Block(source, _BROKER, source.content[_BROKER])
            name = block.content.get("name", DEFAULT_BROKER)
            mistakes += _declare(sections[_BROKER], name, block, f"{_BROKER}.{name}")
        for index, content in enumerate(source.content.get(_ACCEPT, ())):
            name = f"{content['address']} {content['path']}"
            block = Block(source, f"{_ACCEPT}.{index}", content)
            mistakes += _declare(sections[_ACCEPT], name, block, f"{_ACCEPT} {name}")
    mistakes += _shared_names(sections["workspaces"])
    return MergedManifests(settings, sections), mistakes


def _shared_names(workspaces: Mapping[str, Block]) -> Iterator[Diagnostic]:
    """A mistake for each workspace with `for_each` whose name another block has, too."""
    if not any("[" in name for name in workspaces):
        return
    first: dict[str, Block] = {}
    for name, block in workspaces.items():
        other = first.setdefault(block_name(name), block)
        if other.place() != block.place():
            yield from _declare({name: other}, name, block, f"workspaces.{block_name(name)}")


def _set(settings: dict[str, Block], block: Block) -> list[Diagnostic]:
    first = settings.setdefault(block.path, block)
    if first.content == block.content:
        return []
    return [
        mistake(
            f"`{block.path}` differs between two files",
            block.place(),
            detail=f"first set at {first.place()}",
            fix="set it in one file only",
        )
    ]


def _declare(names: dict[str, Block], name: str, block: Block, called: str) -> list[Diagnostic]:
    first = names.setdefault(name, block)
    if first is block:
        return []
    return [
        mistake(
            f"`{called}` is declared twice",
            block.place(),
            detail=f"first declared at {first.place()}",
            fix="rename one of them, or remove it",
        )
    ]

"""The registry's text, made to say something else with as few bytes changed as possible. Pure.

A row in the style of `emit` is written anew. Any other row goes through a round trip of its own, so
that comments, order and quoting stay; where rows cannot be told apart, the whole text does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from reconciler.model.errors import ReconcilerError, RegistryUnreadable
from reconciler.model.record import Json

from .emit import flow, row_text
from .parse import parsed
from .roundtrip import registry_conformed, table_conformed
from .rows import Fields, TableChange, mapping
from .spans import INDENT, Layout, Section, Table, layout, trimmed

HEAD = ("version", "lineage", "serial", "origin")

_HEAD_VALUE = re.compile(r" +(?:\w+|\"[^\"\\]*\"|'[^']*'|\{[^{}#\n]*\})(?P<comment>(?: +#.*)?)")


@dataclass(frozen=True, slots=True)
class Patch:
    """Put `text` where `start` to `end` is now."""

    start: int
    end: int
    text: str


class _NotSure(Exception):
    """The text cannot be changed in parts."""


def rewritten(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> str:
    """`text`, which says `before`, made to say `after`: `changes`, and another head.

    Rows that did not change keep every byte, except where rows cannot be told apart. Raises
    ReconcilerError when an alias is in the way.
    """
    try:
        result = _patched(text, _patches(text, before, after, changes))
        _laid_out(result, after)
    except _NotSure:
        return _round_trip(text, before, after, changes)
    return result


def _round_trip(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> str:
    result = registry_conformed(text, before, after, changes)
    if parsed(result) != after:
        raise ReconcilerError(
            "the registry cannot be changed row by row",
            detail="A row that has to change shares values with another one through an alias (*name).",
            fix="write the shared values out in each row",
        )
    return result


def _patches(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> list[Patch]:
    found = _laid_out(text, before)
    tables = chain.from_iterable(_table_patches(text, found, name, change) for name, change in changes.items())
    return [*_head_patches(found, before, after), *tables]


def _laid_out(text: str, content: Fields) -> Layout:
    found = layout(text)
    if found is None or found.sections.keys() != content.keys():
        raise _NotSure
    if any(table.rows.keys() != mapping(content, name).keys() for name, table in found.tables.items()):
        raise _NotSure
    return found


def _patched(text: str, patches: Sequence[Patch]) -> str:
    parts: list[str] = []
    done = 0
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        parts += [text[done : patch.start], patch.text]
        done = patch.end
    return "".join([*parts, text[done:]])


def _head_patches(found: Layout, before: Fields, after: Fields) -> list[Patch]:
    changed = [key for key in HEAD if key in after and (key not in before or after[key] != before[key])]
    missing = "".join(f"{key}: {flow(after[key])}\n" for key in changed if key not in before)
    present = [_head_patch(key, found.sections[key], after[key]) for key in changed if key in before]
    behind_serial = changed == ["serial", "origin"] and "serial" in before
    at = found.sections["serial"].body if behind_serial else found.start
    return [Patch(at, at, missing), *present]


def _head_patch(key: str, section: Section, value: Json) -> Patch:
    match = _HEAD_VALUE.fullmatch(section.after)
    if match is None:
        raise _NotSure
    return Patch(section.start, section.body, f"{key}: {flow(value)}{match['comment']}\n")


def _table_patches(text: str, found: Layout, name: str, change: TableChange) -> list[Patch]:
    if not change.differs:
        return []
    table = found.tables.get(name)
    if table is None:
        return [Patch(len(text), len(text), f"{name}:\n{_new_rows(change, INDENT)}")]
    end = trimmed(text, (table.section.body, table.section.end), table.indent)[1]
    return [
        *_header_patches(name, table, change),
        *(_row_patch(text, table, change, after) for after in change.changed),
        *(Patch(*trimmed(text, table.rows[gone], table.indent), "") for gone in change.gone),
        Patch(end, end, _new_rows(change, table.indent)),
    ]


def _new_rows(change: TableChange, indent: int) -> str:
    return "".join(row_text(name, change.after[name], indent) for name in change.new)


def _header_patches(name: str, table: Table, change: TableChange) -> list[Patch]:
    if bool(change.before) == bool(change.after):
        return []
    section = table.section
    comment = section.after[section.after.find("#") :] if "#" in section.after else ""
    words = [f"{name}:", *(["{}"] if not change.after else []), *([comment] if comment else [])]
    return [Patch(section.start, section.body, " ".join(words) + "\n")]


def _row_patch(text: str, table: Table, change: TableChange, name: str) -> Patch:
    before = change.names[name]
    start, end = trimmed(text, table.rows[before], table.indent)
    present = text[start:end]
    if present == row_text(before, change.before[before], table.indent):
        return Patch(start, end, row_text(name, change.after[name], table.indent))
    return Patch(start, end, _row_conformed(present, change.only(name), table.indent))


def _row_conformed(present: str, change: TableChange, indent: int) -> str:
    own = re.sub(rf"^ {{{indent}}}", "", present, flags=re.MULTILINE)
    try:
        if parsed(own) != change.before:
            raise _NotSure
        result = table_conformed(own, change)
        if parsed(result) != change.after:
            raise _NotSure
    except RegistryUnreadable:
        raise _NotSure from None
    return re.sub(r"^(?=.)", " " * indent, result, flags=re.MULTILINE)

"""Change the registry's text with as few changed bytes as possible. Pure.

A row in the style of `emit` is replaced. Any other row goes through its own YAML round trip, so that comments, order
and quoting stay. If rows cannot be told apart, the whole text goes through one. Each written row is read back alone,
and in the whole text the names of sections and rows are checked.
"""

from __future__ import annotations

import re
from collections.abc import KeysView, Mapping
from itertools import chain
from typing import TypeAlias

from reconciler.model.record import Json
from reconciler.text.patch import Patch, Unpatchable, edited, verified
from reconciler.text.quoting import flow

from .emit import read_row, row_text
from .foreign import registry_rewritten, row_rewritten
from .parse import parsed
from .rows import Fields, TableChange, mapping
from .spans import INDENT, TABLES, RegistryLayout, SectionSpan, TableSpan, layout, trimmed

HEAD = ("version", "lineage", "serial", "origin")

_Names: TypeAlias = tuple[KeysView[str], dict[str, KeysView[str]]]
"""The names of a registry's sections, and of the rows in each table."""

_HEAD_VALUE = re.compile(r" +(?:\w+|\"[^\"\\]*\"|'[^']*'|\{[^{}#\n]*\})(?P<comment>(?: +#.*)?)")


def rewritten(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> str:
    """Rewrite `text` from `before` to `after`, which differ by `changes` and the head.

    Unchanged rows keep all bytes, unless rows cannot be told apart. Raises ReconcilerError when an alias prevents the
    change.
    """
    try:
        _expect_no_other_changes(before, after)
        found = _laid_out(text, before)
        tables = chain.from_iterable(_table_patches(text, found, name, change) for name, change in changes.items())
        patches = [*_head_patches(found, before, after), *tables]
        return edited(text, patches, _names_in(after), _names_read)
    except Unpatchable:
        return registry_rewritten(text, before, after, changes)


def _expect_no_other_changes(before: Fields, after: Fields) -> None:
    others = before.keys() - {*HEAD, *TABLES}
    if any(before[key] is not after[key] and before[key] != after[key] for key in others):
        raise Unpatchable("a section that is neither a table nor the head changes")


def _laid_out(text: str, content: Fields) -> RegistryLayout:
    found = layout(text)
    if found is None or _names_of(found) != _names_in(content):
        raise Unpatchable("its rows cannot be told apart")
    return found


def _names_read(text: str) -> _Names | None:
    found = layout(text)
    return _names_of(found) if found else None


def _names_of(found: RegistryLayout) -> _Names:
    return found.sections.keys(), {name: table.rows.keys() for name, table in found.tables.items()}


def _names_in(content: Fields) -> _Names:
    return content.keys(), {name: mapping(content, name).keys() for name in TABLES if name in content}


def _head_patches(found: RegistryLayout, before: Fields, after: Fields) -> list[Patch]:
    changed = [key for key in HEAD if key in after and (key not in before or after[key] != before[key])]
    missing = "".join(f"{key}: {flow(after[key])}\n" for key in changed if key not in before)
    present = [_head_patch(key, found.sections[key], after[key]) for key in changed if key in before]
    behind_serial = changed == ["serial", "origin"] and "serial" in before
    at = found.sections["serial"].body if behind_serial else found.start
    return [Patch(at, at, missing), *present]


def _head_patch(key: str, section: SectionSpan, value: Json) -> Patch:
    match = _HEAD_VALUE.fullmatch(section.after)
    if match is None:
        raise Unpatchable(f"`{key}` is written in an unusual way")
    return Patch(section.start, section.body, f"{key}: {flow(value)}{match['comment']}\n")


def _table_patches(text: str, found: RegistryLayout, name: str, change: TableChange) -> list[Patch]:
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
    return "".join(_new_row(name, change.after[name], indent) for name in change.new)


def _header_patches(name: str, table: TableSpan, change: TableChange) -> list[Patch]:
    if bool(change.before) == bool(change.after):
        return []
    section = table.section
    comment = section.after[section.after.find("#") :] if "#" in section.after else ""
    words = [f"{name}:", *(["{}"] if not change.after else []), *([comment] if comment else [])]
    return [Patch(section.start, section.body, " ".join(words) + "\n")]


def _row_patch(text: str, table: TableSpan, change: TableChange, name: str) -> Patch:
    before = change.names[name]
    start, end = trimmed(text, table.rows[before], table.indent)
    present = text[start:end]
    if present == row_text(before, change.before[before], table.indent):
        return Patch(start, end, _new_row(name, change.after[name], table.indent))

    return Patch(start, end, row_rewritten(present, change.only(name), table.indent))


def _new_row(name: str, row: Json, indent: int) -> str:
    """A row in the style of `emit`, checked by reading it back."""
    text = row_text(name, row, indent)
    if read_row(text) == row:
        return text

    return verified(text, {name: row}, parsed)

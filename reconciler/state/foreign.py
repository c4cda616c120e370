"""Rows and registries in another style than that of `emit`, changed by a round trip and read back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError
from reconciler.text.patch import Unpatchable, verified
from reconciler.text.roundtrip import Rewriting, rewritten

from .parse import parsed
from .rows import Fields, TableChange


def row_rewritten(text: str, change: TableChange, indent: int) -> str:
    """The lines of one row, indented by `indent`, after the change; raises Unpatchable when they cannot stand alone."""
    row = verified(re.sub(rf"^ {{{indent}}}", "", text, flags=re.MULTILINE), change.before, parsed)
    result = verified(rewritten(row, _rewriting(change)), change.after, parsed)
    return re.sub(r"^(?=.)", " " * indent, result, flags=re.MULTILINE)


def registry_rewritten(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> str:
    """A whole registry that says `before`, made to say `after`; raises ReconcilerError when an alias is in the way."""
    inside = {name: _rewriting(change) for name, change in changes.items() if change.before}
    try:
        return verified(rewritten(text, Rewriting(before, after, inside=inside)), after, parsed)
    except Unpatchable as error:
        raise ReconcilerError(
            "the registry cannot be changed row by row",
            detail="A row that has to change shares values with another one through an alias (*name).",
            fix="write the shared values out in each row",
        ) from error


def _rewriting(change: TableChange) -> Rewriting:
    return Rewriting(change.before, change.after, change.names)

"""Change rows and registries that are not in the style of `emit`, with a YAML round trip that is read back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError
from reconciler.text.patch import Unpatchable, verified
from reconciler.text.roundtrip import MappingChange, rewritten

from .parse import parsed
from .rows import Fields, TableChange


def row_rewritten(text: str, change: TableChange, indent: int) -> str:
    """Return the changed lines of one row. Raises Unpatchable when the row cannot be parsed alone, as with an alias."""
    row = verified(re.sub(rf"^ {{{indent}}}", "", text, flags=re.MULTILINE), change.before, parsed)
    result = verified(rewritten(row, _rewriting(change)), change.after, parsed)
    return re.sub(r"^(?=.)", " " * indent, result, flags=re.MULTILINE)


def registry_rewritten(text: str, before: Fields, after: Fields, changes: Mapping[str, TableChange]) -> str:
    """Rewrite a whole registry from `before` to `after`. Raises ReconcilerError when an alias prevents it."""
    inside = {name: _rewriting(change) for name, change in changes.items() if change.before}
    try:
        return verified(rewritten(text, MappingChange(before, after, inside=inside)), after, parsed)
    except Unpatchable as error:
        raise ReconcilerError(
            "the registry cannot be changed row by row",
            detail="a row to change shares values with another row through an alias (*name)",
            fix="write the shared values in each row instead of the alias",
        ) from error


def _rewriting(change: TableChange) -> MappingChange:
    return MappingChange(change.before, change.after, change.names)

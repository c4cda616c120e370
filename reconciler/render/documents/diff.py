"""`schemas/diff.schema.json`: the document of `diff --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class UncommittedDoc(TypedDict):
    """A file that is not as in the last commit."""

    status: str
    """Two letters as in `git status --porcelain=v2`: staged, then not staged; `??` when git does not track it."""
    path: str


class ChangedDoc(TypedDict):
    """A file that is not as it was where the branch began."""

    path: str
    added: int | None
    """Lines; null for a binary file."""
    removed: int | None


class DiffDoc(TypedDict):
    """What an agent changed in its folder."""

    format_version: str
    address: str
    folder: str
    branch: str
    """`(detached)` when there is none."""
    commit: str | None
    against: str | None
    """The upstream, else the base that the manifest names, else the main branch; null where there is none."""
    ahead: int | None
    behind: int | None
    uncommitted: list[UncommittedDoc]
    changed: list[ChangedDoc]
    """Since the branch left what it is compared with, or since the last commit; uncommitted work counts."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(DiffDoc, title="reconciler diff", identifier="diff.schema.json")

"""Write out what manifests say in short: `merge`, `extends`, `for_each` and `count`. Pure.

The result is what the manifests would be with every block written by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec.structs import replace

from reconciler.model.diagnostic import Diagnostic

from .document import Document, mistake
from .inherit import inherited
from .instances import with_instances
from .overlay import overlaid


def composed(
    documents: Sequence[Document], builtin_types: Collection[str]
) -> tuple[tuple[Document, ...], list[Diagnostic]]:
    """The documents with every block written out, and the mistakes on the way."""
    mistakes: list[Diagnostic] = []
    if any(each.content.get("merge") for each in documents):
        documents = overlaid(documents)
        mistakes += (wrong for each in documents for wrong in _missing_paths(each))
        documents = [replace(each, content=cast("Any", _with_paths(each.content))) for each in documents]
    whole = inherited(documents, [each.content for each in documents], builtin_types)
    mistakes += whole.mistakes
    found = []
    for document, content in zip(documents, whole.contents, strict=True):
        workspaces, wrong = with_instances(content.get("workspaces", {}), document)
        mistakes += wrong
        written: dict[str, Any] = {**content, "workspaces": workspaces} if "workspaces" in content else content
        found.append(replace(document, content=cast("Any", written)))
    return tuple(found), mistakes


def _missing_paths(document: Document) -> Iterator[Diagnostic]:
    """A mistake for each workspace without a path: the one file in which it is said to change another one."""
    for name, block in document.content.get("workspaces", {}).items():
        if "path" not in block:
            summary = f"`path` is missing in `workspaces.{name}`"
            detail = "no other file declares this workspace"
            yield mistake(summary, document.place(f"workspaces.{name}"), detail=detail, fix="add `path: FOLDER`")


def _with_paths(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content with any path where one is missing, to find more mistakes."""
    homes = content.get("workspaces", {})
    if all("path" in block for block in homes.values()):
        return content
    return {**content, "workspaces": {name: {"path": name, **block} for name, block in homes.items()}}

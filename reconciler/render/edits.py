"""How a command edits a manifest: the keys of its JSON line, and the text made from them."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import TypedDict

from reconciler.model.address import Address
from reconciler.model.diagnostic import Place


class EditDoc(TypedDict):
    """One block that comes into a manifest, or goes: it holds no line that was there, which could tell a secret."""

    address: str
    file: str
    line: int
    added: list[str]


def edit_document(address: Address, place: Place, new: str) -> EditDoc:
    """The edit at `place`; `new` is the text that comes in, empty when a block goes."""
    return {"address": str(address), "file": place.file, "line": place.line, "added": new.strip("\r\n").splitlines()}


def edit_text(document: EditDoc) -> Iterator[str]:
    """What will be written."""
    where = f"{document['file']}:{document['line']}"
    if not document["added"]:
        yield f"  # {where}: the block of {document['address']} will be removed"
        return
    yield f"  # {where}: {document['address']} will be declared"
    yield from (f"  + {line}" for line in document["added"])

"""How a command edits a manifest: the keys of its JSON line, and the text made from them."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import TypedDict

from reconciler.model.address import Address
from reconciler.model.diagnostic import Place
from reconciler.model.manifest_edit import Edit, Restore


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


class RestoreDoc(TypedDict):
    """One manifest that becomes what it was in an earlier generation; its content is not told."""

    file: str
    change: str
    generation: int
    kept: str


def restore_document(file: str, generation: int, change: str, kept: str) -> RestoreDoc:
    """The manifest `file` comes back (`create`), changes (`update`) or goes (`delete`); a copy of it goes to `kept`."""
    return {"file": file, "change": change, "generation": generation, "kept": kept}


def restore_text(document: RestoreDoc) -> Iterator[str]:
    """What will be written, and where a copy is of what nobody has applied yet."""
    what = {
        "create": f"comes back as it was in generation {document['generation']}",
        "update": f"will be as in generation {document['generation']}",
        "delete": f"will be removed: generation {document['generation']} did not have it",
    }
    yield f"  # {document['file']} {what[document['change']]}"
    if document["kept"]:
        yield f"  # (it was edited since the last apply: a copy is kept in {document['kept']})"


def unfinished_text(edit: Edit | Restore, file: str) -> str:
    """What the user has to know of a `file` that was written when the work after it did not come to its end."""
    if isinstance(edit, Restore):
        back = f"`reconciler rollback {edit.generation}` goes on"
        return f"Note: {file} is as in generation {edit.generation} now: {back}."
    if edit.new:
        ways = f"`reconciler apply` goes on, `reconciler delete {edit.address}` takes it back"
        return f"Note: {edit.place} declares {edit.address} now: {ways}."
    return f"Note: {edit.place.file} no longer declares {edit.address}: `reconciler delete {edit.address}` goes on."

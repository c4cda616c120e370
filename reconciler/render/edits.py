"""How a command edits a manifest: the keys of its JSON line, and the text made from them."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from typing_extensions import TypedDict

from reconciler.model.address import Address
from reconciler.model.diagnostic import Place
from reconciler.model.manifest_edit import Edit, Restore


class EditDoc(TypedDict):
    """One block that is added to a manifest or removed. It has no existing lines: they could contain a secret."""

    address: str
    file: str
    line: int
    added: list[str]


def edit_document(address: Address, place: Place, new: str) -> EditDoc:
    """The edit at `place`; `new` is the added text, empty when a block is removed."""
    return {"address": str(address), "file": place.file, "line": place.line, "added": new.strip("\r\n").splitlines()}


def edit_text(document: EditDoc) -> Iterator[str]:
    """One sentence about the block, then the lines that are added."""
    where = f"{document['file']}:{document['line']}"
    if not document["added"]:
        yield f"  # {where}: the block of {document['address']} will be removed"
        return
    yield f"  # {where}: {document['address']} will be declared"
    yield from (f"  + {line}" for line in document["added"])


class RestoreDoc(TypedDict):
    """One manifest that is restored from an earlier generation, without its content."""

    file: str
    change: str
    generation: int
    kept: str


def restore_document(file: str, generation: int, change: str, kept: str) -> RestoreDoc:
    """The manifest `file` is created, updated or deleted (`change`); `kept` is the path of a copy of it."""
    return {"file": file, "change": change, "generation": generation, "kept": kept}


def restore_text(document: RestoreDoc) -> Iterator[str]:
    """What happens to the manifest, and where its unapplied edits are kept."""
    what = {
        "create": f"will be restored from generation {document['generation']}",
        "update": f"will be set back to generation {document['generation']}",
        "delete": f"will be removed: generation {document['generation']} did not have it",
    }
    yield f"  # {document['file']} {what[document['change']]}"
    if document["kept"]:
        yield f"  # (it was edited since the last apply: a copy is kept in {document['kept']})"


def unfinished_text(edit: Edit | Restore, file: str) -> str:
    """Tell the user that `file` is already written although the command did not finish, and how to go on."""
    if isinstance(edit, Restore):
        back = f"`reconciler rollback {edit.generation}` continues"
        return f"Note: {file} is now as it was in generation {edit.generation}: {back}."
    if edit.new:
        ways = f"`reconciler apply` continues, `reconciler delete {quote(str(edit.address))}` undoes it"
        return f"Note: {edit.place} now declares {edit.address}: {ways}."
    delete = f"reconciler delete {quote(str(edit.address))}"
    return f"Note: {edit.place.file} no longer declares {edit.address}: `{delete}` continues."

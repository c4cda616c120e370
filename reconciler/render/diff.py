"""What an agent changed: the JSON document, and the text made from it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.address import Address
from reconciler.model.work import GitWork

from .documents import FORMAT_VERSION
from .documents.diff import DiffDoc

_SHOWN = 50


def diff_document(address: Address, work: GitWork) -> DiffDoc:
    """The document of `diff --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "address": str(address),
        "folder": work.folder,
        "branch": work.branch,
        "commit": work.commit or None,
        "against": work.against or None,
        "ahead": work.ahead,
        "behind": work.behind,
        "uncommitted": [{"status": each.status, "path": each.path} for each in work.uncommitted],
        "changed": [{"path": each.path, "added": each.added, "removed": each.removed} for each in work.changed],
    }


def diff_text(document: DiffDoc, *, stat: bool) -> Iterator[str]:
    """The branch, what is uncommitted, and how much changed; with `stat`, file by file."""
    against = document["against"]
    beside = f": {document['ahead']} ahead, {document['behind']} behind {against}" if against else ""
    yield f"{document['branch']}{beside}  ({document['folder']})"
    files = document["uncommitted"]
    yield f"{len(files)} uncommitted{':' if files else ''}"
    yield from (f"  {each['status']} {each['path']}" for each in files[:_SHOWN])
    if len(files) > _SHOWN:
        yield f"  and {len(files) - _SHOWN} more"
    yield from _changed(document, stat=stat)


def _changed(document: DiffDoc, *, stat: bool) -> Iterator[str]:
    rows = document["changed"]
    added, removed = (sum(each[key] or 0 for each in rows) for key in ("added", "removed"))
    since = f"since {document['against']}" if document["against"] else "since the last commit"
    yield f"{len(rows)} {'file' if len(rows) == 1 else 'files'} changed {since}, +{added} -{removed}"
    for each in rows if stat else ():
        counts = "binary" if each["added"] is None else f"+{each['added']} -{each['removed']}"
        yield f"  {counts:<14} {each['path']}"

"""Stored conversations: the JSON document, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.moment import from_unix
from reconciler.model.observed import Unknown
from reconciler.model.stored import StoredConversation

from .document import diagnostic_document
from .documents import FORMAT_VERSION
from .documents.conversations import ConversationRow, ConversationsDoc
from .table import table
from .text import size_text

_COLUMNS = ("CONVERSATION", "WORKSPACE", "AGENT", "STARTED", "LAST USED", "SIZE", "BOUND TO")


def conversations_document(
    found: Iterable[StoredConversation | Unknown], said: Iterable[Diagnostic] = ()
) -> ConversationsDoc:
    """The document of `conversations --json`, newest first; `said` are further diagnostics."""
    answers = list(found)
    stored = [each for each in answers if isinstance(each, StoredConversation)]
    unseen = [
        Diagnostic(severity=Severity.ERROR, summary="a conversation folder could not be read", detail=each.reason)
        for each in answers
        if isinstance(each, Unknown)
    ]
    return {
        "format_version": FORMAT_VERSION,
        "conversations": [_row(each) for each in sorted(stored, key=lambda each: (-each.last_used, each.id))],
        "diagnostics": [diagnostic_document(each) for each in (*unseen, *said)],
    }


def _row(stored: StoredConversation) -> ConversationRow:
    return {
        "id": stored.id,
        "workspace": stored.workspace,
        "agent": stored.type,
        "started": _moment(stored.started),
        "last_used": _moment(stored.last_used),
        "size": stored.size or None,
        "bound": list(stored.bound),
        "path": stored.path,
    }


def _moment(seconds: int) -> str | None:
    """The time in UTC, ISO 8601; None for 0, which means that the time is not known."""
    return from_unix(seconds) if seconds else None


def conversations_text(document: ConversationsDoc) -> Iterator[str]:
    """One line per conversation."""
    if not document["conversations"]:
        yield "No conversation is stored for these workspaces."
        return
    yield from table([_COLUMNS, *(_cells(each) for each in document["conversations"])])


def _cells(row: ConversationRow) -> tuple[str, ...]:
    size = "-" if row["size"] is None else size_text(row["size"])
    times = (row["started"] or "-", row["last_used"] or "-")
    return (row["id"], row["workspace"], row["agent"], *times, size, ", ".join(row["bound"]) or "-")

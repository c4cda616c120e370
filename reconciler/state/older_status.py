"""Find the status of a row of an older tool, which may have its own words for it. Pure.

The four words of `status` count with any capitalization. Other text is searched for words with a clear meaning. If it
has none, or contradictory ones, or a negation, the row's other keys decide. If they do not help either, the agent
counts as stopped. That is safe: nothing is started or ended because of a guess, and a running session is found anyway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from reconciler.model.adoption import OlderShape
from reconciler.model.record import Json, Status

_WORDS: Mapping[str, Status] = {
    **dict.fromkeys(("running", "active", "alive", "live", "working", "busy", "idle", "waiting"), Status.RUNNING),
    **dict.fromkeys(("online", "attached", "resumed"), Status.RUNNING),
    **dict.fromkeys(("stopped", "paused", "suspended", "parked"), Status.STOPPED),
    **dict.fromkeys(("terminated", "dead", "killed", "exited", "gone", "ended", "lost"), Status.TERMINATED),
    **dict.fromkeys(("crashed", "crash", "failed"), Status.TERMINATED),
    **dict.fromkeys(("archived", "archive", "retired"), Status.ARCHIVED),
}
_STATUSES = {str(status): status for status in Status}
_DENIALS = frozenset({"not", "no", "never", "nothing", "cannot", "isn", "wasn", "aren", "unless", "until"})


class OlderStatus(Struct, frozen=True):
    """The status that was found in a row."""

    status: Status
    visible: Status | None
    """For `last_visible_status`; None when the row has none."""
    notes: tuple[str, ...] = ()
    """Texts that are not a status; they go to the note."""
    assumed: tuple[tuple[str, OlderShape, str], ...] = ()
    """For each assumption: key, form and meaning."""


def said_status(row: Mapping[str, Json]) -> OlderStatus | None:
    """Find the status of a row; None when neither its two statuses nor its other keys say anything.

    Both statuses must be strings, or missing.
    """
    said, seen = str(row.get("status") or ""), str(row.get("last_visible_status") or "")
    status = _exact(said) or _by_words(said) or _by_evidence(row, seen) or (Status.STOPPED if said else None)
    if status is None:
        return None
    visible = (_exact(seen) or status) if row.get("last_visible_status") is not None else None
    notes = tuple(text for text in (said, seen) if text and _exact(text) is None)
    return OlderStatus(status, visible, notes, tuple(filter(None, (_of_status(said, status), _of_seen(seen, visible)))))


def joined_note(note: str, more: tuple[str, ...]) -> str:
    """Append texts to a note; a text that the note already has is skipped."""
    parts = [note] if note else []
    for text in more:
        if not any(text in part for part in parts):
            parts.append(text)
    return "; ".join(parts)


def _exact(text: str) -> Status | None:
    return _STATUSES.get(text.strip().lower())


def _by_words(text: str) -> Status | None:
    words = set(re.findall(r"[a-z]+", text.lower()))
    found = {_WORDS[word] for word in words & _WORDS.keys()}
    return found.pop() if len(found) == 1 and not words & _DENIALS else None


def _by_evidence(row: Mapping[str, Json], seen: str) -> Status | None:
    if found := _exact(seen):
        return found
    if row.get("terminated_at") or row.get("termination_mode"):
        return Status.TERMINATED
    if row.get("stopped_reason"):
        return Status.STOPPED
    return _by_words(seen)


def _of_status(said: str, status: Status) -> tuple[str, OlderShape, str] | None:
    if not said:
        return "status", OlderShape.NO_STATUS, f"status {status}"
    if said == status:
        return None
    moved = "" if _exact(said) else ", and the text as a note"
    return "status", OlderShape.STATUS_IS_TEXT, f"status {status}{moved}"


def _of_seen(seen: str, visible: Status | None) -> tuple[str, OlderShape, str] | None:
    if visible is None or seen == visible:
        return None
    if not seen:
        return "last_visible_status", OlderShape.STATUS_IS_TEXT, f"last_visible_status {visible}, as status"
    what = f"last_visible_status {visible}" if _exact(seen) else f"a note; last_visible_status is {visible}, as status"
    return "last_visible_status", OlderShape.STATUS_IS_TEXT, what

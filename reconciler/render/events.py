"""The events of an apply: one JSON object per line, and its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.event import (
    ActionDone,
    ActionEvent,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    PromptUnverified,
)

from .documents.event import EventDoc
from .text import apply_summary, short_id

_DOING = {
    "create": "Starting",
    "resume": "Resuming",
    "update": "Updating",
    "replace": "Replacing",
    "delete": "Destroying",
    "import": "Importing",
    "forget": "Forgetting",
}
_DONE = {
    "create": "Created",
    "resume": "Resumed",
    "update": "Updated",
    "replace": "Replaced",
    "delete": "Destroyed",
    "import": "Imported",
    "forget": "No longer managed",
}


def event_document(event: ActionEvent, sequence: int, timestamp: str) -> EventDoc:
    """The published form of an event."""
    line: EventDoc = {
        "type": event.type,
        "sequence": sequence,
        "timestamp": timestamp,
        "address": str(event.address),
        "action": event.verb.value,
    }
    match event:
        case ActionDone(message=message, conversation=conversation):
            line |= {"message": message, "conversation": conversation or None}
        case ActionFailed(message=message, detail=detail):
            line |= {"message": message, "detail": detail}
        case ActionSkipped(message=message) | PromptUnverified(message=message):
            line |= {"message": message}
        case ActionStarted() | ActionWaiting():
            pass
    return line


def event_text(line: EventDoc) -> Iterator[str]:
    """The sentences for one event; starts appear only in the progress display."""
    address, action = line.get("address", ""), line.get("action", "")
    match line["type"]:
        case "action_complete":
            yield f"{address}: {_DONE[action]}{_details(line)}"
        case "action_failed":
            yield f"{address}: Failed: {line.get('message', '')}"
            yield from (f"    | {row}" for row in line.get("detail", "").splitlines())
        case "prompt_unverified":
            yield f"{address}: Not verified: {line.get('message', '')}"
        case "action_skipped":
            yield f"{address}: Skipped: {line.get('message', '')}"


def deed_text(line: EventDoc) -> str:
    """One line: what the command did to the agent, and how to undo it."""
    deed = line["deed"]
    said = _short(line.get("message", ""), deed["deed"])
    conversation = f"conversation {short_id(line.get('conversation'))}" if line.get("conversation") else ""
    parts = "; ".join(part for part in (said, conversation) if part)
    undo = f" Undo: {deed['undo']}" if deed["undo"] else ""
    return f"{deed['deed'].capitalize()} {deed['name']}{f' ({parts})' if parts else ''}.{undo}"


def _short(message: str, deed: str) -> str:
    """The message without what the user knows: the session of an agent that had one, the id of its conversation."""
    if message.startswith("conversation "):
        return "its conversation stays"
    return "" if deed in {"resumed", "restarted"} and re.fullmatch(r"session \S+", message) else message


def progress_text(line: EventDoc) -> str:
    """What apply is working on, for a progress display."""
    if line["type"] == "action_waiting":
        return f"Waiting for the conversation of {line.get('address', '')}"
    return f"{_DOING.get(line.get('action', ''), 'Working on')} {line.get('address', '')}"


def conclusion_text(
    counts: Mapping[str, int], remaining: Sequence[str] | None, written: Sequence[str], *, destroyed_all: bool
) -> Iterator[str]:
    """The result of an apply: `remaining` is None if all was done; `written` is what a refresh recorded."""
    yield ""
    if remaining is not None:
        yield f"Apply incomplete: {counts['done']} done. Not done: {', '.join(remaining) or 'nothing'}."
        return
    if written:
        yield f"Written to the registry: {', '.join(written)}."
        yield ""
    yield apply_summary(counts, destroyed_all=destroyed_all)


def confirmation_text(line: EventDoc) -> Iterator[str]:
    """The warning that an apply is rolled back unless you confirm it in time."""
    yield ""
    yield f"Generation {line['generation']} must be confirmed until {line['deadline']}: reconciler confirm"
    yield f"Otherwise, reconciler rolls back to generation {line['back_to']}."


def _details(line: EventDoc) -> str:
    conversation = line.get("conversation")
    parts = [line.get("message", ""), f"conversation {short_id(conversation)}" if conversation else ""]
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""

"""What was said in a stored conversation: one message, and the parts of JSON that CLIs keep them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from .jsonl import text


class StoredMessage(NamedTuple):
    """What a `user` or an `assistant` said. `at` is as the CLI stored it, empty when it did not."""

    role: str
    text: str
    at: str = ""
    # The CLI's own id of it, which several lines may share; empty when it has none.
    id: str = ""


class LastMessages(Struct, frozen=True):
    """The messages, oldest first; `cut` when more of them may be further up than was looked."""

    messages: tuple[StoredMessage, ...] = ()
    cut: bool = False


def texts(content: object, kinds: frozenset[str] = frozenset()) -> str:
    """The text in a message's content: a text itself, or the texts of its parts, of these `kinds` where there are any.

    What the model thought is left out.
    """
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(_texts(parts, kinds))


def _texts(parts: list[Any], kinds: frozenset[str]) -> Iterator[str]:
    for part in parts:
        is_said = isinstance(part, Mapping) and (not kinds or text(part, "type") in kinds) and not part.get("thought")
        if is_said and (found := text(part, "text")):
            yield found

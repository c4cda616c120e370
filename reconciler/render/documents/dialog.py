"""A permission dialog, as several documents show it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class DialogDoc(TypedDict):
    """A permission dialog that the user was shown, and the answer."""

    request: str
    """The id of the request."""
    question: str
    lines: list[str]
    """The whole dialog, without frames."""
    digest: str
    """SHA-256 of the lines."""
    at: str
    """When it was first shown: UTC, ISO 8601."""
    answer: Literal["approve", "deny"] | None
    """Null if the dialog was only shown."""

"""The forms in which a document is shown."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """How a document is shown where it is not printed as JSON."""

    TEXT = "text"
    GITHUB = "github"

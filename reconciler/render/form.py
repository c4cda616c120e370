"""The forms of output that are not JSON."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """How a document is shown when it is not printed as JSON."""

    TEXT = "text"
    GITHUB = "github"

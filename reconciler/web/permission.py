"""What the user may allow the page to do."""

from __future__ import annotations

from enum import StrEnum


class WebPermission(StrEnum):
    """A sort of action, as `--allow` names it."""

    ANSWER = "answer"
    SEND = "send"
    STOP = "stop"
    RESUME = "resume"
    APPLY = "apply"

"""Questions to the user on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from reconciler.model.errors import UsageError
from reconciler.render.output import ask, tell


def somebody_is_there() -> bool:
    """Whether a person can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def approved() -> bool:
    """Whether the user agrees to what was just shown."""
    answer = ask("\nDo you want to perform these actions? Only 'yes' will be accepted.\n  Enter a value: ")
    return answer.strip() == "yes"


def nobody_to_ask(consent: str = "--auto-approve") -> UsageError:
    """Why a question cannot be asked; `consent` is how the user could have agreed beforehand."""
    return UsageError("needs confirmation, but there is no terminal", fix=f"pass {consent}")


def agreed(lines: Sequence[str], *, auto_approve: bool, may_ask: bool) -> bool:
    """Whether the user agrees to what the lines say; they are told in any case."""
    tell(*lines)
    if auto_approve:
        return True
    if not (may_ask and somebody_is_there()):
        raise nobody_to_ask()
    return approved()


def terminal_name(env: Mapping[str, str]) -> str:
    """Where the user sits; a build machine has no seat."""
    if env.get("CI"):
        return "CI"
    try:
        return os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):  # no terminal, or no standard input at all
        return ""

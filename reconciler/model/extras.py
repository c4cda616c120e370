"""Say in one line what an installation lacks."""

from __future__ import annotations

from .errors import ReconcilerError


def missing_extra(what: str, extra: str) -> ReconcilerError:
    """The error for a part of the program whose packages are not installed, with the command that adds them."""
    return ReconcilerError(f"{what} is not installed: pip install 'agent-reconciler[{extra}]'")

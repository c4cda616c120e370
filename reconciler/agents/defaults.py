"""What a profile says where nothing is known of a CLI: it looks nowhere, and finds nothing."""

from __future__ import annotations


def nowhere(*_asked: object) -> tuple[str, ...]:
    """No place."""
    return ()


def nothing(*_asked: object) -> None:
    """No answer."""
    return

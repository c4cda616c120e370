"""Defaults for the parts of a profile about which nothing is known."""

from __future__ import annotations


def nowhere(*_asked: object) -> tuple[str, ...]:
    """Return no place to look."""
    return ()


def nothing(*_asked: object) -> None:
    """Return no answer."""
    return

"""A screen of a CLI as a fixture: a header that tells where it is from, a line `---`, and what the pane showed.

cli: qwen
version: 0.24.4
captured: 2026-11-29            a day; or `documented:` with a source, where the CLI cannot be installed
state: busy                     what was so: idle, busy, waiting, dialog, typed, unreadable
what: working                   for a dialog, its name
size: 120x40
title: Qwen - lab
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

CUT = "---"
STATES = frozenset({"idle", "busy", "waiting", "dialog", "typed", "unreadable"})
NOT_INSTALLABLE = frozenset({"agy", "cursor-agent"})  # neither npm nor PyPI has them
KEYS = ("cli", "version", "captured", "documented", "state", "what", "size", "title")


class Screen(NamedTuple):
    """What one CLI showed in one state; `typed`: a text that nobody has submitted stands there."""

    cli: str
    version: str
    state: str
    what: str
    captured: str = ""
    documented: str = ""
    size: str = ""
    title: str = ""
    lines: tuple[str, ...] = ()


def written(screen: Screen) -> str:
    """The screen as a file."""
    fields = screen._asdict()
    head = [f"{key}: {fields[key]}" for key in KEYS if fields[key]]
    return "\n".join([*head, CUT, *screen.lines]) + "\n"


def read(text: str) -> Screen:
    """The screen in a file; ValueError for one that does not say which CLI, which version and since when."""
    head, cut, shown = text.partition(f"\n{CUT}\n")
    if not cut:
        raise ValueError(f"a line {CUT} is missing below the header")
    fields = dict(_field(line) for line in head.split("\n"))
    if missing := {"cli", "version", "state", "what"} - fields.keys():
        raise ValueError(f"the header lacks {', '.join(sorted(missing))}")
    screen = Screen(**fields, lines=tuple(shown.splitlines()))
    _expect_origin(screen)
    return screen


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(": ")
    if key not in KEYS or not value.strip():
        raise ValueError(f"not a line of a header: {line!r}")
    return key, value


def _expect_origin(screen: Screen) -> None:
    if screen.state not in STATES:
        raise ValueError(f"not a state: {screen.state}")
    if not re.fullmatch(r"\d+(\.\d+)+", screen.version):
        raise ValueError(f"not a version: {screen.version}")
    if bool(screen.captured) == bool(screen.documented):
        raise ValueError("it is either captured, at a day, or documented, by a source")
    if screen.captured:
        date.fromisoformat(screen.captured)
    elif screen.cli not in NOT_INSTALLABLE:
        raise ValueError(f"{screen.cli} can be installed: capture its screen")

"""The agents in groups, for a terminal: first those that need you. Each group has a symbol and a word beside colours.

The lines have colours of their own; all text in them is already harmless.
"""

from __future__ import annotations

import unicodedata
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.harmless import one_line
from reconciler.model.sgr import RESET

from .status import age

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from .documents.status import StatusRow

_LEAST = 12  # columns: a shorter note says nothing


class _Look(Struct, frozen=True):
    """How a group is shown."""

    symbol: str
    word: str
    colour: str


_DIM, _BOLD = "\x1b[2m", "\x1b[1m"
_LOOKS = {
    "needs_you": _Look("▲", "needs you", "\x1b[1;33m"),
    "working": _Look("●", "working", "\x1b[36m"),
    "idle": _Look("○", "idle", ""),
    "running": _Look("◌", "running", ""),
    "stopped": _Look("■", "stopped", _DIM),
    "trouble": _Look("✗", "trouble", "\x1b[1;31m"),
}
_WORD = max(len(look.word) for look in _LOOKS.values())
_USUAL = {"started by reconciler", "resumed by reconciler", "found running", "auto-registered", "stopped by reconciler"}
_RESTS = {"declared": "not started yet", "archived": "archived", "terminated": "ended"}


def grouped_text(agents: Sequence[StatusRow], now: datetime, width: int) -> Iterator[str]:
    """A line that counts the agents, one line per agent in `width` columns, and what to type about them."""
    yield count_line(agents)
    yield from agent_lines(agents, now, width)
    yield from hints(agents)


def count_line(agents: Sequence[StatusRow]) -> str:
    """How many agents there are, and how many in each group."""
    numbers = {name: sum(agent["group"] == name for agent in agents) for name in _LOOKS}
    parts = [_painted(_counted(name, count), _LOOKS[name].colour) for name, count in numbers.items() if count]
    total = f"{len(agents)} {'agent' if len(agents) == 1 else 'agents'}"
    return f"{_painted(total, _BOLD)}: {', '.join(parts)}"


def _counted(group: str, count: int) -> str:
    words = {"needs_you": "needs you" if count == 1 else "need you", "trouble": "in trouble"}
    return f"{count} {words.get(group, _LOOKS[group].word)}"


def agent_lines(agents: Iterable[StatusRow], now: datetime, width: int, *, names: int = 0) -> Iterator[str]:
    """One line per agent, group by group; the word of a group stands at its first agent.

    Pass `names`, the width of the longest name, to align the lines with those of other projects.
    """
    rows = in_groups(agents)
    wide = max([names, *(len(name_of(agent)) for agent in rows)])
    previous = ""
    for agent in rows:
        word = "" if agent["group"] == previous else word_of(agent)
        previous = agent["group"]
        yield agent_line(agent, word, now, wide, width)


def in_groups(agents: Iterable[StatusRow]) -> list[StatusRow]:
    """The agents in the order of their groups."""
    order = list(_LOOKS)
    return sorted(agents, key=lambda agent: order.index(agent["group"]))


def agent_line(agent: StatusRow, word: str, now: datetime, name_width: int, width: int) -> str:
    """The line of one agent; what it waits for, or its note, is cut at `width` columns."""
    look = _LOOKS[agent["group"]]
    head = f"{look.symbol} {word:<{_WORD}}"
    name = f"{name_of(agent):<{name_width}}"
    since = f"{age(agent['state_since'], now):>4}"
    used = len(head) + len(name) + len(since) + 4
    left = width - used - 2
    said = _cut(one_line(_said(agent)), left) if left >= _LEAST else ""
    line = f"{_painted(head, look.colour)}  {_name(name, agent)}  {_painted(since, _DIM)}"
    return f"{line}  {said}" if said else line


def word_of(agent: StatusRow) -> str:
    """The word of its group."""
    return _LOOKS[agent["group"]].word


def name_of(agent: StatusRow) -> str:
    """The shortest name that always means this agent, and its type where the name does not say it."""
    short = one_line(agent["address"].partition(".")[2])
    return short if agent["agent"] == agent["type"] else f"{short} ({one_line(agent['type'])})"


def _name(name: str, agent: StatusRow) -> str:
    return _painted(name, _DIM if agent["group"] == "stopped" else _BOLD)


def _said(agent: StatusRow) -> str:
    """What the line says beyond the group: what the agent waits for, how it rests, or its note."""
    if agent["waits_for"] == "permission":
        return "asks for a permission"
    if agent["waits_for"]:
        return f"waits at the {agent['waits_for']} dialog"
    rests = _RESTS.get(agent["status"], "") if agent["group"] == "stopped" else ""
    note = "" if agent["note"] in _USUAL or agent["note"].startswith(rests or "\n") else agent["note"]
    return ", ".join(filter(None, (rests, note)))


def hints(agents: Iterable[StatusRow]) -> Iterator[str]:
    """What to type about the first agent that asks, waits at a dialog, or is in trouble."""
    commands: dict[str, str] = {}
    for agent in in_groups(agents):
        if verb := _verb(agent):
            name = quote(one_line(agent["address"].partition(".")[2]))
            commands.setdefault(verb, f"-> reconciler {_project(agent)}{verb} {name}")
    yield from (_painted(line, _DIM) for line in commands.values())


def _project(agent: Mapping[str, object]) -> str:
    """The option that chooses the project of an agent; a row of one project alone does not name it."""
    folder = agent.get("folder")
    return f"-C {quote(one_line(folder))} " if isinstance(folder, str) else ""


def _verb(agent: StatusRow) -> str:
    if agent["group"] == "needs_you":
        return "answer" if agent["waits_for"] == "permission" else "attach"
    return "explain" if agent["group"] == "trouble" else ""


def _painted(text: str, colour: str) -> str:
    return f"{colour}{text}{RESET}" if colour else text


def _cut(text: str, width: int) -> str:
    """The text, cut with an ellipsis where it is wider than the room for it."""
    if sum(map(_columns, text)) <= width:
        return text
    kept, room = "", width - 1
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept += character
    return f"{kept.rstrip()}…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

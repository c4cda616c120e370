"""The list of agents from which `attach` lets you pick one: what each key does to it, and how it is shown.

A key is a character, or the name of one: `up`, `down`, `page-up`, `page-down`, `home`, `end`, `enter`, `escape`,
`backspace`, `clear`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.harmless import one_line

from .status_groups import agent_line, in_groups, name_of, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from .documents.status import StatusRow

_PAGE = 10
_AROUND = 3  # lines beside the agents: the heading, the filter, and one that stays free
_HEADING = "Type to filter; pick with the arrow keys and Enter, or by number; Esc leaves."
_MARK, _DIM, _BOLD, _RESET = "→", "\x1b[2m", "\x1b[1m", "\x1b[0m"
_MOST = 1 << 30
_MOVES = {"up": -1, "down": 1, "page-up": -_PAGE, "page-down": _PAGE, "home": -_MOST, "end": _MOST}
_DIGITS = tuple("123456789")


class Picker(Struct, frozen=True):
    """The agents, those that need you first, what was typed to filter them, and which one is marked."""

    agents: tuple[StatusRow, ...]
    typed: str = ""
    marked: int = 0
    """Its place among the agents that match."""
    picked: str = ""
    """The address of the agent that was picked."""
    left: bool = False
    """Whether the user left without picking one."""

    @property
    def matching(self) -> list[StatusRow]:
        """The agents whose names, type or group have all words that were typed."""
        words = self.typed.casefold().split()
        return [agent for agent in self.agents if all(word in _searched(agent) for word in words)]


def picker_of(agents: Iterable[StatusRow]) -> Picker:
    """A picker of the agents that have a session to attach to."""
    return Picker(tuple(agent for agent in in_groups(agents) if agent["live"] in {"alive", "exited"}))


def press(picker: Picker, key: str) -> Picker:
    """The picker after this key. A digit picks by number as long as nothing else was typed."""
    if key in _MOVES:
        last = max(0, len(picker.matching) - 1)
        return replace(picker, marked=min(max(picker.marked + _MOVES[key], 0), last))
    if key == "enter":
        return _picked(picker, picker.marked)
    if key == "escape":
        return replace(picker, left=True)
    if not picker.typed and key in _DIGITS:
        return _picked(picker, _DIGITS.index(key))
    return replace(picker, typed=_typed(picker.typed, key), marked=0)


def _picked(picker: Picker, place: int) -> Picker:
    matching = picker.matching
    return replace(picker, picked=matching[place]["address"]) if place < len(matching) else picker


def _typed(before: str, key: str) -> str:
    if key == "backspace":
        return before[:-1]
    if key == "clear":
        return ""
    return before + key if len(key) == 1 and key.isprintable() else before


def picker_lines(picker: Picker, now: datetime, columns: int, rows: int) -> list[str]:
    """The heading, the agents that fit around the marked one, and the filter, where the cursor stays."""
    matching = picker.matching
    room = max(1, rows - _AROUND)
    first = min(max(0, picker.marked - room + 1), max(0, len(matching) - room))
    shown = matching[first : first + room]
    names = max((len(name_of(agent)) for agent in picker.agents), default=0)
    words = list(_words(shown))
    lines = [
        f"{_mark(at == picker.marked)} {_number(at)} {agent_line(agent, word, now, names, columns - 4)}"
        for at, (agent, word) in enumerate(zip(shown, words, strict=True), start=first)
    ]
    none = [f"{_DIM}    no agent matches{_RESET}"] if not lines else []
    return [f"{_DIM}{_HEADING[: columns - 1]}{_RESET}", *lines, *none, f"> {one_line(picker.typed)}"]


def numbered_lines(picker: Picker, now: datetime, columns: int) -> Iterator[str]:
    """The agents with their numbers, for a terminal that can only print line by line."""
    names = max((len(name_of(agent)) for agent in picker.agents), default=0)
    for number, (agent, word) in enumerate(zip(picker.agents, _words(picker.agents), strict=True), start=1):
        yield f"{number:>3} {agent_line(agent, word, now, names, columns - 4)}"


def _words(agents: Sequence[StatusRow]) -> Iterator[str]:
    """The word of each group, at its first agent."""
    previous = ""
    for agent in agents:
        yield "" if agent["group"] == previous else word_of(agent)
        previous = agent["group"]


def _mark(marked: bool) -> str:
    return f"{_BOLD}{_MARK}{_RESET}" if marked else " "


def _number(at: int) -> str:
    return str(at + 1) if at < 9 else " "


def _searched(agent: StatusRow) -> str:
    return " ".join((name_of(agent), agent["session"], agent["type"], word_of(agent))).casefold()

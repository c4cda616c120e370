"""Options of tmux that harm agents or their users, each with the reason. The others do no harm (docs/tmux.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from reconciler.model.checkup import CheckName, CheckResult, Level
from reconciler.model.digits import number_in

from .results import ok

_SHORT_HISTORY = 200  # lines
_SLOW_ESCAPE = 500  # milliseconds; the default up to tmux 3.4


class _Option(NamedTuple):
    """When an option does harm, and how to set it. `flags` are those of set-option."""

    name: str
    is_harmful: Callable[[str, Mapping[str, str]], bool]
    level: Level
    why: str
    flags: str
    better: str


def _is(*values: str) -> Callable[[str, Mapping[str, str]], bool]:
    return lambda value, _options: value in values


def _below(least: int) -> Callable[[str, Mapping[str, str]], bool]:
    return lambda value, _options: (number_in(value) or 0) < least


def _above(most: int) -> Callable[[str, Mapping[str, str]], bool]:
    return lambda value, _options: (number_in(value) or 0) > most


def _ends_the_server(value: str, options: Mapping[str, str]) -> bool:
    """Whether the server ends without a terminal: only if `exit-empty` is on, too (server_loop in tmux)."""
    return value == "on" and options.get("exit-empty") == "on"


def _is_not_of_tmux(value: str, _options: Mapping[str, str]) -> bool:
    return not value.startswith(("screen", "tmux"))


HARMFUL = (
    _Option(
        name="exit-unattached",
        is_harmful=_ends_the_server,
        level=Level.ERROR,
        why="the server ends with all agents when its last terminal detaches, so reconciler starts none on it",
        flags="-s",
        better="off",
    ),
    _Option(
        name="destroy-unattached",
        is_harmful=lambda value, _options: value != "off",
        level=Level.NOTE,
        why="your own sessions end when no terminal shows them; those of agents are exempt",
        flags="-g",
        better="off",
    ),
    _Option(
        name="default-terminal",
        is_harmful=_is_not_of_tmux,
        level=Level.WARNING,
        why="tmux needs screen, tmux or a derivative here; with another one the screens of agents may be garbled",
        flags="-g",
        better="tmux-256color",
    ),
    _Option(
        name="allow-set-title",
        is_harmful=_is("off"),
        level=Level.WARNING,
        why="some agents show only in the title of their pane that they are busy; without it, their state is unknown",
        flags="-g",
        better="on",
    ),
    _Option(
        name="history-limit",
        is_harmful=_below(_SHORT_HISTORY),
        level=Level.NOTE,
        why="lines that scrolled away are lost; `peek --lines`, and the last lines of a failed agent, show little",
        flags="-g",
        better="2000",
    ),
    _Option(
        name="escape-time",
        is_harmful=_above(_SLOW_ESCAPE),
        level=Level.NOTE,
        why="Esc reaches an agent late when you are attached",
        flags="-s",
        better="10",
    ),
    _Option(
        name="set-clipboard",
        is_harmful=_is("on"),
        level=Level.NOTE,
        why="every agent may replace your clipboard",
        flags="-s",
        better="external",
    ),
    _Option(
        name="allow-passthrough",
        is_harmful=_is("on", "all"),
        level=Level.NOTE,
        why="agents can send escape sequences to your terminal that tmux does not filter",
        flags="-g",
        better="off",
    ),
)


def options(given: Mapping[str, str], command: str) -> Iterator[CheckResult]:
    """The options that do harm; `command` are the words that begin a tmux command for this server."""
    found = [_harm(each, given, command) for each in HARMFUL if _hurts(each, given)]
    yield from found or [ok(CheckName.TMUX_OPTIONS, "no option of the server does harm")]


def _hurts(option: _Option, given: Mapping[str, str]) -> bool:
    """An option that this tmux does not have does no harm."""
    return option.name in given and option.is_harmful(given[option.name], given)


def _harm(option: _Option, given: Mapping[str, str], command: str) -> CheckResult:
    fix = f"{command} set-option {option.flags} {option.name} {option.better}, and change it in your tmux.conf"
    summary = f"{option.name} is {given[option.name]}"
    return CheckResult(name=CheckName.TMUX_OPTIONS, level=option.level, summary=summary, detail=option.why, fix=fix)

"""The help of the program and of its groups, which is a list of commands: typer, slow to load, is not needed for it.

A test holds that the text is the one that typer makes. The help of a single command comes from typer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from textwrap import TextWrapper

from .catalogue import COMMANDS, Entry, Group
from .options import EPILOG, everywhere
from .parameters import Option, parameters_of

PROGRAM = "reconciler"
_HELP = ("--help", "-h", "help")
_WIDEST, _NARROWEST, _FIRST_COLUMN = 110, 52, 30  # columns
_OWN_OPTIONS = (
    ("-V, --version", "Print the version and exit"),
    ("--install-completion", "Install completion for the current shell."),
    (
        "--show-completion",
        "Show completion for the current shell, to copy it or customize the installation.",
    ),
)
_HELP_OPTION = ("-h, --help", "Show this message and exit.")


def help_asked_for(words: Sequence[str], env: Mapping[str, str]) -> list[str] | None:
    """The help of the program or of a group, if that is all that the words ask for."""
    path = _path(words)
    summary, entries = everywhere.__doc__ or "", COMMANDS
    for name in path or ():
        entry = entries.get(name)
        if not isinstance(entry, Group):
            return None
        summary, entries = entry.summary, entry.commands
    return None if path is None else group_help(path, summary, entries, _columns(env))


def _path(words: Sequence[str]) -> Sequence[str] | None:
    if words and words[-1] in _HELP:
        return words[:-1]
    return words[1:] if words[:1] == ["help"] else None


def group_help(path: Sequence[str], summary: str, entries: Mapping[str, Entry], columns: int) -> list[str]:
    """The help of the group at `path`; an empty path is the program itself."""
    width = max(min(columns, _WIDEST), _NARROWEST) - 2
    options = [_HELP_OPTION] if path else [*_shared_options(), *_OWN_OPTIONS, _HELP_OPTION]
    commands = [(name, entry.summary) for name, entry in entries.items() if not entry.hidden]
    return [
        *_usage(path, width),
        "",
        *_wrapped(summary, width, "  "),
        "",
        "Options:",
        *_table(options, width),
        "",
        "Commands:",
        *_table(commands, width),
        *([] if path else ["", *_wrapped(EPILOG, width, "  ")]),
    ]


def _usage(path: Sequence[str], width: int) -> list[str]:
    begin, words = f"Usage: {' '.join([PROGRAM, *path])} ", "[OPTIONS] COMMAND [ARGS]..."
    if len(begin) + 20 > width:
        return [begin, *_wrapped(words, width, " " * 11)]
    return TextWrapper(width, initial_indent=begin, subsequent_indent=" " * len(begin)).wrap(words)


def _shared_options() -> Iterable[tuple[str, str]]:
    for each in parameters_of(everywhere):
        if isinstance(each.declared, Option):
            yield f"{each.declared.names} {each.declared.metavar}", each.declared.help_text


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterable[str]:
    """Two columns; the second one is wrapped."""
    first = min(max(len(name) for name, _ in rows), _FIRST_COLUMN) + 2
    for name, text in rows:
        begin, *more = _wrapped(text, width - first - 2)
        yield f"  {name:{first}}{begin}"
        yield from (f"{'':{first + 2}}{line}" for line in more)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return TextWrapper(width, initial_indent=indent, subsequent_indent=indent).wrap(text)


def _columns(env: Mapping[str, str]) -> int:
    """The width of the terminal, as shutil finds it, which is slow to load."""
    with suppress(ValueError):
        if (columns := int(env.get("COLUMNS", ""))) > 0:
            return columns
    with suppress(OSError, ValueError, AttributeError):  # closed, or no terminal
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr] # see AttributeError
    return 80

"""Recognise shells and other interpreters, which execute what is typed into them, and name what they run."""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence

from .shell_names import SHELLS

_INTERPRETER = re.compile(r"(i?python|pypy|node|deno|bun|irb|ruby|php|perl|lua|ghci|R|psql|mysql|sqlite|bc|gdb)[\d.]*")
_LAUNCHERS = frozenset({"env", "nice", "nohup", "setsid", "stdbuf"})


def runs_what_is_typed(command: Sequence[str]) -> bool:
    """True when a command is a shell or an interpreter without a script: it would execute a typed prompt."""
    program, script = _program(command)
    return not script and (program in SHELLS or _INTERPRETER.fullmatch(program) is not None)


def name_of(command: Sequence[str]) -> str:
    """The name of a command for the user: its program, or the script that a shell runs."""
    program, script = _program(command)
    return script if script and program in SHELLS else program


def _program(command: Sequence[str]) -> tuple[str, str]:
    """The program and the first word after it that is not an option, both without folders.

    Launchers before the program, such as `env NAME=value` or `nice -n 5`, are skipped with their options and numbers.
    """
    first, *rest = [os.path.basename(word) for word in command if not word.startswith("-")]
    if first not in _LAUNCHERS:
        return first, next(iter(rest), "")
    behind = [word for word in rest if "=" not in word and not word.isdigit()]
    return _program(behind) if behind else (first, "")

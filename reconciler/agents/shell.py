"""A POSIX shell, or with `args: [-c, ...]` any command: it has no conversation and tells nothing.

Also what shells and other interpreters have in common: they run what is typed into them.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence

from .launch import Launch, Shutdown
from .profile import Profile

PROFILE = Profile(
    name="shell",
    launch=Launch(command=("sh",)),
    shutdown=Shutdown(quit="exit"),
)

SHELLS = frozenset({
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "sh", "tcsh", "xonsh", "zsh",
})  # fmt: skip

_INTERPRETER = re.compile(r"(i?python|pypy|node|deno|bun|irb|ruby|php|perl|lua|ghci|R|psql|mysql|sqlite|bc|gdb)[\d.]*")
_LAUNCHERS = frozenset({"env", "nice", "nohup", "setsid", "stdbuf"})


def runs_what_is_typed(command: Sequence[str]) -> bool:
    """Whether a command is a shell or an interpreter without a script: each line typed into it is executed."""
    program, script = _program(command)
    return not script and (program in SHELLS or _INTERPRETER.fullmatch(program) is not None)


def name_of(command: Sequence[str]) -> str:
    """What a command is called in a list of processes: its program, or the script that a shell runs for it."""
    program, script = _program(command)
    return script if script and program in SHELLS else program


def _program(command: Sequence[str]) -> tuple[str, str]:
    """The program and the first word behind it that is no option, both without folders.

    `env NAME=value` and the like before the program do not count, nor do their own options and numbers.
    """
    first, *rest = [os.path.basename(word) for word in command if not word.startswith("-")]
    if first not in _LAUNCHERS:
        return first, next(iter(rest), "")
    behind = [word for word in rest if "=" not in word and not word.isdigit()]
    return _program(behind) if behind else (first, "")

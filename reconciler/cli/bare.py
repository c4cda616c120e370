"""What `reconciler` does without a command: the board on a terminal, `status` in a pipe, its help outside of a project.

Before anything is loaded, so this imports little.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from reconciler.app.project.places import is_project, project_folder

_WITH_VALUE = ("-C", "--chdir", "--registry")


def with_command(words: Sequence[str]) -> list[str]:
    """The words with the command that they stand for, if they are only options of the program and we are in a project.

    Without the board's library, the command is `status`, too.
    """
    values = _options(words)
    if values is None:
        return list(words)
    root = values.get("-C") or values.get("--chdir") or os.environ.get("RECONCILER_ROOT", "")
    if not is_project(project_folder(root)):
        return list(words)
    on_terminal = all(map(os.isatty, (0, 1, 2)))
    return [*words, "board" if on_terminal and find_spec("textual") else "status"]


def _options(words: Iterable[str]) -> dict[str, str] | None:
    """The options of the program with their values; None if there is anything else."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, given, value = word.partition("=")
        if name not in _WITH_VALUE:
            return None
        found[name] = value if given else next(rest, "")
    return found

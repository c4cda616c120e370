"""What the files of other tools refer to without saying it: the user's folders, variables and agent CLIs."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping

from msgspec import Struct

from reconciler.agents.profile import Profile

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class Surroundings(Struct, frozen=True):
    """Absolute `home`, the folder `cwd` in which the command runs, the environment, and all known profiles."""

    home: str
    cwd: str
    env: Mapping[str, str]
    profiles: Mapping[str, Profile]


def resolved(path: str, base: str, around: Surroundings) -> str:
    """The absolute path that `path` is, seen from `base`, or `base` when it is empty.

    `~`, `$NAME` and `${NAME}` are filled in. Empty when a variable has no value, or another user's home is meant.
    """
    if not path:
        return base
    path = _VARIABLE.sub(lambda found: _value(found, around), path)
    if path == "~" or path.startswith("~/"):
        path = around.home + path[1:]
    joined = os.path.normpath(os.path.join(base, path))
    return joined if joined.startswith("/") and not re.search(r"\$|`", path) and not path.startswith("~") else ""


def _value(found: re.Match[str], around: Surroundings) -> str:
    name = found[1] or found[2]
    return around.home if name == "HOME" else around.env.get(name) or found.group()

"""The user's folders, variables and agent CLIs, to which the files of other tools refer."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping

from msgspec import Struct

from reconciler.agents.profile import Profile

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class SourceContext(Struct, frozen=True):
    """The home folder, the folder `cwd` in which the command runs, the environment, and all known profiles."""

    home: str
    cwd: str
    env: Mapping[str, str]
    profiles: Mapping[str, Profile]


def resolved(path: str, base: str, context: SourceContext) -> str:
    """The absolute path of `path`, relative to `base`; `base` itself if `path` is empty.

    `~`, `$NAME` and `${NAME}` are expanded. Empty if a variable has no value, or if the path is in another user's home.
    """
    if not path:
        return base
    path = _VARIABLE.sub(lambda found: _value(found, context), path)
    if path == "~" or path.startswith("~/"):
        path = context.home + path[1:]
    joined = os.path.normpath(os.path.join(base, path))
    return joined if joined.startswith("/") and not re.search(r"\$|`", path) and not path.startswith("~") else ""


def _value(found: re.Match[str], context: SourceContext) -> str:
    name = found[1] or found[2]
    return context.home if name == "HOME" else context.env.get(name) or found.group()

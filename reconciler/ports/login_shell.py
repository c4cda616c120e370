"""Ask the user's login shell for the search path that it gives to programs."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from contextlib import suppress

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from .programs import run

_SECONDS = 5.0
_KEPT = ("HOME", "LANG", "LOGNAME", "SHELL", "TERM", "TZ", "USER")
_BEFORE = "/usr/local/bin:/usr/bin:/bin"  # what login(1) begins with, more or less
_NO_LOGIN = ("false", "nologin")


def login_path(env: Mapping[str, str]) -> Observed[str]:
    """The PATH that a new login shell has; `Absent` when the user's shell lets nobody in.

    It runs the user's own start files, for 5 s at most. What they print does not matter: the answer is the last line.
    """
    shell = env.get("SHELL") or _shell_of_the_user()
    if not shell or os.path.basename(shell) in _NO_LOGIN:
        return ABSENT
    clean = {name: env[name] for name in _KEPT if name in env}
    try:
        done = run([shell, "-l", "-c", "printenv PATH"], {**clean, "PATH": _BEFORE}, seconds=_SECONDS)
    except ReconcilerError as error:
        return Unknown(error.summary)
    lines = done.output.strip().splitlines()
    return Present(lines[-1]) if lines and not done.code else Unknown(f"{shell} -l printed no PATH")


def _shell_of_the_user() -> str:
    with suppress(KeyError):  # a user without an entry, as in containers
        return pwd.getpwuid(os.geteuid()).pw_shell
    return ""

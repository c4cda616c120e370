"""Handle an error that nothing else caught: print one sentence, and write a report without secrets.

The report has the lines of our code that were running, versions, and the names of the options. It has no values: no
arguments, variables or environment, and no error message that may quote one.
"""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from reconciler import __version__
from reconciler.app.project.places import state_home
from reconciler.ports.clock import RealClock

_KEPT = 10
_PREFIX = "crash-"
# The messages of these errors come from code or the system, never from files that were read.
_SPEAK = (AttributeError, ImportError, NameError, RecursionError, TypeError)


def report_crash(error: BaseException, words: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Write the report, and return the lines for the user."""
    if _folder_is_gone():
        return ["Error: the current folder no longer exists", "  -> cd into another folder"]
    kind = type(error).__name__
    folder = _folder(env)
    try:
        path = _write(folder, _report(error, words))
    except OSError as failure:
        why = failure.strerror or "it cannot be written"
        return [f"Error: reconciler failed unexpectedly ({kind}); no report could be written to {folder}: {why}"]
    return [
        f"Error: reconciler failed unexpectedly ({kind}); the report is in {path}",
        "  -> this is a bug in reconciler: please report it with that file, which contains no secrets",
    ]


def _folder_is_gone() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _folder(env: Mapping[str, str]) -> str:
    """The folder for reports."""
    return os.path.join(state_home(env, os.path.expanduser("~")), "reconciler")


def _write(folder: str, text: str) -> str:
    """Write a new file that only the user can read, and delete old reports. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    stamp = RealClock().now().strftime("%Y%m%dT%H%M%S%fZ")
    path = os.path.join(folder, f"{_PREFIX}{stamp}-{os.getpid()}.txt")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    _prune(folder)
    return path


def _prune(folder: str) -> None:
    reports = sorted(name for name in os.listdir(folder) if name.startswith(_PREFIX) and name.endswith(".txt"))
    for name in reports[:-_KEPT]:
        with suppress(OSError):
            os.unlink(os.path.join(folder, name))


def _report(error: BaseException, words: Sequence[str]) -> str:
    return "\n".join(
        [
            f"reconciler {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}",
            f"command: {' '.join(_redacted(words))}",
            "",
            *_chain(error),
            "",
        ]
    )


def _redacted(words: Sequence[str]) -> Iterator[str]:
    """Only the long names of options: everything else may be a secret, even text right after a short option."""
    for word in words:
        name = word.partition("=")[0]
        yield name if name.startswith("--") and name.replace("-", "").isalpha() else "*"


def _chain(error: BaseException) -> Iterator[str]:
    """The error and those that led to it, each with the lines that were running."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield f"{type(each).__module__}.{type(each).__qualname__}{_said(each)}"
        yield from (line.rstrip() for line in _frames(each))
        each = each.__cause__ or each.__context__


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    shown = [*frames[:20], *frames[-40:]] if len(frames) > 60 else frames
    return [f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line or ''}" for frame in shown]


def _said(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f": [{error.errno}] {error.strerror}"
    return f": {error}" if type(error) in _SPEAK else ""

"""Read the files that manifests include, and those that these include."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field

from reconciler.manifest import Include, Source
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import InvalidManifest, ReconcilerError

_HOST = re.compile(r"[\w.-]+@[\w.-]+:")  # as git and ssh name another machine


class _Reading(Struct):
    """The manifests so far, what each includes, and what is wrong."""

    sources: dict[str, Source]
    home: str
    includes: Callable[[Source], tuple[Include, ...]]
    read: Callable[[str], Source]
    mistakes: list[Diagnostic] = field(default_factory=list)


def with_included(
    sources: Mapping[str, Source],
    home: str,
    includes: Callable[[Source], tuple[Include, ...]],
    read: Callable[[str], Source],
) -> dict[str, Source]:
    """The manifests by absolute path, and every file that they include. `read` raises ReconcilerError.

    Raises InvalidManifest for a file that is missing or not on this machine, and for files that include each other.
    """
    reading = _Reading(dict(sources), home, includes, read)
    for path in sources:
        _follow(reading, path, (path,))
    if reading.mistakes:
        raise InvalidManifest(tuple(dict.fromkeys(reading.mistakes)))
    return reading.sources


def _follow(reading: _Reading, path: str, chain: tuple[str, ...]) -> None:
    """Read what the file at `path` includes. `chain` are the files that lead to it, and itself."""
    for each in reading.includes(reading.sources[path]):
        for wanted in _paths(reading, each, path):
            if wanted in chain:
                names = " -> ".join(os.path.basename(one) for one in (*chain[chain.index(wanted) :], wanted))
                _wrong(reading, each, f"a cycle of includes: {names}", "remove one `include` of the cycle")
            elif wanted in reading.sources or _is_read(reading, each, wanted):
                _follow(reading, wanted, (*chain, wanted))


def _is_read(reading: _Reading, each: Include, path: str) -> bool:
    try:
        reading.sources[path] = reading.read(path)
    except ReconcilerError as error:
        _wrong(reading, each, f"`include`: {error.summary}", "correct the path; it starts at the folder of this file")
        return False
    return True


def _paths(reading: _Reading, each: Include, path: str) -> Iterator[str]:
    """The absolute paths of the included files. A pattern may match none."""
    if "://" in each.text or _HOST.match(each.text):
        _wrong(
            reading, each, f"`{each.text}` is not a file on this machine", "copy it into the project, and include that"
        )
        return
    text = reading.home + each.text[1:] if each.text.startswith("~") else each.text
    whole = os.path.normpath(os.path.join(os.path.dirname(path), text))
    if glob.has_magic(whole):
        yield from (found for found in sorted(glob.glob(whole)) if os.path.isfile(found) and found != path)
    elif os.path.isdir(whole):
        _wrong(reading, each, f"`{each.text}` is a folder", f"write `{each.text.rstrip('/')}/*.yaml`")
    else:
        yield whole


def _wrong(reading: _Reading, each: Include, summary: str, fix: str) -> None:
    reading.mistakes.append(Diagnostic(Severity.ERROR, summary, fix=fix, place=each.place))

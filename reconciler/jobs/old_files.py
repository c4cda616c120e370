"""Delete what `answer` and `send` left long ago: requests of agents that have ended, and prompts in files."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present
from reconciler.ports import lockfile
from reconciler.ports.world import Files, World

_DAY = 24 * 3600.0


class KeptFiles(Struct, frozen=True):
    """What is kept: at most `count`, and nothing older than `age` seconds; but all that is not older than `least`."""

    age: float = 7 * _DAY
    count: int = 100
    least: float = _DAY


KEPT = KeptFiles()


def outdated(changed: Iterable[tuple[str, float]], now: float, kept: KeptFiles = KEPT) -> list[str]:
    """Of these paths with the time of their last change, those to delete, oldest first. Pure."""
    newest = sorted(changed, key=lambda each: each[1], reverse=True)
    old = [
        path
        for place, (path, at) in enumerate(newest)
        if now - at > kept.least and (place >= kept.count or now - at > kept.age)
    ]
    return old[::-1]


def prune_prompts(folder: str, world: World) -> None:
    """Delete old prompts. An agent that was told to read one has done so by then: it works on no prompt for a day."""
    for path in outdated(_changed(os.path.join(glob.escape(folder), "prompt-*.md"), world.files), _now(world)):
        _delete(path, folder, world.files)


def prune_requests(folder: str, in_use: Collection[str], world: World) -> None:
    """Delete the folders of agents that ended long ago, and of those that live, what was shown long ago.

    `in_use` has the names of the folders of those that live. A folder in which another process works is left for the
    next time.
    """
    files = list(_changed(os.path.join(glob.escape(folder), "*", "*.*"), world.files))
    lives = {path: os.path.dirname(path) for path, _ in files}
    of_ended = _newest((life, at) for path, at in files if os.path.basename(life := lives[path]) not in in_use)
    of_living = _newest((path.rpartition(".")[0], at) for path, at in files if os.path.basename(lives[path]) in in_use)
    for life in outdated(of_ended, _now(world)):
        with lockfile.if_free(life) as free:
            if free:
                _delete(life, folder, world.files)
    for request in outdated(of_living, _now(world)):  # the answer last: without it, the request would seem open
        for path in (f"{request}.shown", f"{request}.answer"):
            _delete(path, folder, world.files)


def _newest(changed: Iterable[tuple[str, float]]) -> Iterable[tuple[str, float]]:
    """Each name once, with the time of its last change."""
    newest: dict[str, float] = {}
    for name, at in changed:
        newest[name] = max(at, newest.get(name, 0.0))
    return newest.items()


def _changed(pattern: str, files: Files) -> Iterable[tuple[str, float]]:
    """The files that match, each with the time of its last change; those that cannot be seen are left out."""
    found = files.find(pattern)
    for path in found.value if isinstance(found, Present) else ():
        facts = files.facts(path)
        if isinstance(facts, Present):
            yield path, facts.value[0]


def _now(world: World) -> float:
    return world.clock.now().timestamp()


def _delete(path: str, root: str, files: Files) -> None:
    """Nothing that a user does fails because something old stays."""
    try:
        files.delete(path, root)
    except ReconcilerError:
        return

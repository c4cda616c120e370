"""Make the request that rolls back to a generation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256

from reconciler.app.project.manifests import display_path, manifest_paths
from reconciler.app.project.project import Project
from reconciler.model.address import parse_address
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.generation import Generation
from reconciler.model.manifest_edit import Restore
from reconciler.model.observed import Present, Unknown
from reconciler.model.plan import Mode
from reconciler.plan.request import Goal, Request
from reconciler.state import generations


def request_of(at: Project, number: int | None, *, force: bool = False) -> Request:
    """The request that rolls back to generation `number`, or to the one before the newest.

    Raises:
        UsageError: There is no such generation.
        Refused: A manifest that did not exist then cannot be removed.
        ReconcilerError: The stored generation is damaged.
    """
    newest, wanted = _newest_and(at, number)
    return Request(
        paths=tuple(_absolute(at, each.path) for each in wanted.manifests) if wanted.narrowed else (),
        mode=_mode(wanted),
        force=force,
        goal=_goal(at, wanted),
        operation="rollback",
        reason=f"back to generation {wanted.number}",
        edits=tuple(_restores(at, wanted, newest)),
    )


def _newest_and(at: Project, number: int | None) -> tuple[Generation, Generation]:
    known = generations.newest_first(at.generations)
    newest = next(known, None)
    if newest is None:
        raise UsageError("there is no generation to go back to", fix="every apply makes one: `reconciler apply`")
    if number is not None:
        return newest, generations.read(at.generations, number)
    before = next(known, None)
    if before is None:
        raise UsageError(f"generation {newest.number} is the first one", fix="see `reconciler history`")
    return newest, before


def _goal(at: Project, wanted: Generation) -> Goal | None:
    then = generations.agents_left(at.generations, wanted)
    if then is None:
        return None
    known = ((parse_address(text), agent) for text, agent in then.items())
    return Goal(wanted.number, {address: agent for address, agent in known if address})


def _mode(wanted: Generation) -> Mode:
    """Destroy if that generation was a destroy; else apply."""
    match wanted.plan:
        case {"options": {"mode": "destroy", "targets": [], "exclude": []}}:
            return Mode.DESTROY
        case _:
            return Mode.NORMAL


def _restores(at: Project, wanted: Generation, newest: Generation) -> Iterator[Restore]:
    """The manifests that differ from that generation; edits that were never applied are copied first."""
    then = {_absolute(at, each.path): each for each in wanted.manifests}
    applied = {_absolute(at, each.path): each.digest for each in newest.manifests}
    others = () if wanted.narrowed else manifest_paths(at, ())
    for path in dict.fromkeys([*then, *others]):
        present, earlier = _present(at, path), then.get(path)
        after = generations.content(at.generations, earlier.digest) if earlier else None
        if present == after:
            continue
        if after is None and os.path.islink(path):
            raise Refused(f"{display_path(path)} did not exist then and is a link", fix=f"check it, then: rm {path}")
        known = present is None or sha256(present).hexdigest() == applied.get(path)
        mode = earlier.mode if earlier else 0
        yield Restore(path, present or b"", after, wanted.number, mode, "" if known else _aside(at, path))


def _aside(at: Project, path: str) -> str:
    """The path for the copy. It contains the number of the next generation, so no copy overwrites another."""
    folder = f"before-{generations.next_number(at.generations)}"
    return os.path.join(at.kept, folder, os.path.relpath(path, at.root).replace("../", ""))


def _absolute(at: Project, path: str) -> str:
    return os.path.join(at.root, path)


def _present(at: Project, path: str) -> bytes | None:
    match at.files.read(path, 64 << 20):
        case Present(data):
            return data
        case Unknown(reason):
            raise ReconcilerError(f"{display_path(path)} cannot be read", detail=reason)
        case _:
            return None

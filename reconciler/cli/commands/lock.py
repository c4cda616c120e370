"""lock status and unlock."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell, tell_json


def lock_status(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Say who holds the lock, since when and for what.

    Also whether that process still lives.

    \b
    Example:
      reconciler lock status --json
    """
    from dataclasses import asdict

    from reconciler.app.project.project import find_project
    from reconciler.model.errors import ReconcilerError
    from reconciler.model.observed import Present, Unknown
    from reconciler.state.lock import status, told

    at = find_project(chdir, registry)
    found = status(at.lock)
    if isinstance(found, Unknown):
        raise ReconcilerError("the lock cannot be read", detail=found.reason)
    info = found.value if isinstance(found, Present) else None
    if as_json:
        lock = {**asdict(info.info), "holder": info.holder.value} if info else None
        tell_json({"locked": info is not None, "lock": lock})
    elif info is None:
        tell("Nothing is locked.")
    else:
        tell(f"Locked by {told(info.info, at.clock)}; the holder is {info.holder.value}. ID: {info.info.id}")
    return ExitCode.OK


def unlock(
    lock_id: Annotated[str, typer.Argument(metavar="ID", help="The ID that `lock status` shows")],
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Remove a lock that was left behind.

    A lock whose holder lives on this machine stays.

    \b
    Example:
      reconciler unlock 3f2a9c01
    """
    from reconciler.app.project.project import find_project
    from reconciler.state.lock import unlock as remove

    remove(find_project(chdir, registry).lock, lock_id)
    if as_json:
        tell_json({"removed": lock_id})
    else:
        tell(f"The lock {lock_id} is removed.")
    return ExitCode.OK

"""lock status and unlock."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.project.locks import holder, lock_document
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell, tell_json
from reconciler.state.lock import describe_holder
from reconciler.state.lock import unlock as remove


def lock_status(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Show which process holds the lock, since when and why.

    Also shows whether that process is still running.

    \b
    Example:
      reconciler lock status --json
    """
    at = find_project(chdir, registry)
    found = holder(at)
    if as_json:
        tell_json(lock_document(found))
    elif found is None:
        tell("Nothing is locked.")
    else:
        who = describe_holder(found.info, at.clock)
        tell(f"Locked by {who}; the holder is {found.holder.value}. ID: {found.info.id}")
    return ExitCode.OK


def unlock(
    lock_id: Annotated[str, Argument(metavar="ID", help="The ID that `lock status` shows")],
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Remove a stale lock.

    Refuses if the process that holds the lock still runs on this machine.

    \b
    Example:
      reconciler unlock 3f2a9c01
    """
    remove(find_project(chdir, registry).lock, lock_id)
    if as_json:
        tell_json({"removed": lock_id})
    else:
        tell(f"The lock {lock_id} is removed.")
    return ExitCode.OK

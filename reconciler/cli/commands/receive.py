"""receive: the end of `fleet push` on a host."""

from __future__ import annotations

import os
from typing import Annotated

from reconciler.app.project.project import find_project
from reconciler.app.project.receive import receive as take
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, Option
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell_json


def receive(
    source: Annotated[str, Argument(metavar="DIR", help="Folder with the new files, beside the project folder")],
    delete: Annotated[bool, Option("--delete", help="Also delete files of the project that are not in it")] = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
) -> int:
    """Check the files that `fleet push` copied beside the project, and take them over; push runs this.

    Prints what it did as JSON. With a mistake in the manifests, nothing is replaced.

    \b
    Example:
      reconciler -C ~/lab receive ~/.lab.push-x1
    """
    folder = os.path.realpath(source)
    if not os.path.isdir(folder):
        raise UsageError(f"{source} is not a folder", fix="this command is run by `reconciler fleet push`")
    done = take(find_project(chdir, ""), folder, delete=delete, lock_timeout=seconds(lock_timeout))
    tell_json({"written": list(done.written), "deleted": list(done.deleted)})
    return ExitCode.OK

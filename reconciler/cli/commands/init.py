"""init: write a manifest to start from."""

from __future__ import annotations

import os

from reconciler.app.project.starter import start
from reconciler.cli import options as opt
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell


def init(chdir: opt.Root = "") -> int:
    """Write a commented manifest to start from.

    Also adds the lines that .gitignore needs. Overwrites nothing.

    \b
    Example:
      reconciler init && reconciler plan
    """
    tell(*start(os.path.abspath(chdir or os.getcwd())))
    tell("Next: edit the manifest, then run `reconciler plan`.")
    return ExitCode.OK

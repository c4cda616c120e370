"""diff: what an agent changed."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.agents.diff import diff as look
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Option
from reconciler.model.exit_code import ExitCode
from reconciler.render.diff import diff_text
from reconciler.render.output import tell, tell_json


def diff(
    name: opt.Name,
    stat: Annotated[bool, Option("--stat", help="Show the added and removed lines of each file")] = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show what an agent changed: its branch, uncommitted files, and how much.

    Asks git in the agent's folder. No program that the repository names is run.

    \b
    Examples:
      reconciler diff landing-page
      reconciler diff landing-page --stat
    """
    at = find_project(chdir, registry)
    warn_about_registry(at)
    document = look(at, name)
    if as_json:
        tell_json(document)
    else:
        tell(*diff_text(document, stat=stat))
    return ExitCode.OK

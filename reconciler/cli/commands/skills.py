"""skills: install the pages that teach agents to use reconciler."""

from __future__ import annotations

import os
from typing import Annotated

from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, Option
from reconciler.model.exit_code import ExitCode
from reconciler.ports.files import RealFiles
from reconciler.render.output import tell, tell_json, warn
from reconciler.skills.install import CopyResult, plan, write
from reconciler.skills.texts import skills


def list_skills(as_json: opt.Json = False) -> int:
    """List the skills and what each is for.

    \b
    Example:
      reconciler skills list
    """
    if as_json:
        tell_json({"skills": [{"name": skill.name, "description": skill.description} for skill in skills()]})
        return ExitCode.OK
    for skill in skills():
        tell(f"{skill.name}\n    {skill.description}")
    return ExitCode.OK


def install(
    folder: Annotated[str, Argument(metavar="DIR", help="Folder where an agent CLI looks for skills")],
    force: Annotated[bool, Option("--force", help="Also overwrite files that you edited")] = False,
    as_json: opt.Json = False,
) -> int:
    """Copy the skills into a folder.

    Each skill gets its own subfolder. Files of an earlier version are updated. Files that you edited are kept
    and listed (exit code 3).

    \b
    Examples:
      reconciler skills install ~/.claude/skills
      reconciler skills install .agents/skills --force
    """
    files = RealFiles()
    copies = plan(skills(), os.path.abspath(os.path.expanduser(folder)), files, force=force)
    write(copies, files)
    if as_json:
        tell_json({"files": [{"path": copy.path, "fate": copy.result.name.lower()} for copy in copies]})
    else:
        tell(*(f"{copy.path}: {copy.result}" for copy in copies))
    if any(copy.result is CopyResult.EDITED for copy in copies):
        warn("Warning: edited files are kept; --force overwrites them.")
        return ExitCode.PARTIAL
    return ExitCode.OK

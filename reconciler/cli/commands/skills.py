"""skills: let agents use this program."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell, warn


def list_skills() -> int:
    """List the skills, and what each is for.

    \b
    Example:
      reconciler skills list
    """
    from reconciler.skills.texts import skills

    for skill in skills():
        tell(f"{skill.name}\n    {skill.description}")
    return ExitCode.OK


def install(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where an agent CLI looks for skills")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that were edited, too")] = False,
) -> int:
    """Copy the skills into a folder, each into one of its own.

    What an earlier version wrote is brought up to date. What somebody edited is kept, and named: exit 3.

    \b
    Examples:
      reconciler skills install ~/.claude/skills
      reconciler skills install .agents/skills --force
    """
    from reconciler.ports.files import RealFiles
    from reconciler.skills.install import Fate, plan, write
    from reconciler.skills.texts import skills

    files = RealFiles()
    copies = plan(skills(), os.path.abspath(os.path.expanduser(folder)), files, force=force)
    write(copies, files)
    for copy in copies:
        tell(f"{copy.path}: {copy.fate}")
    if any(copy.fate is Fate.EDITED for copy in copies):
        warn("Warning: edited files are kept; --force overwrites them.")
        return ExitCode.PARTIAL
    return ExitCode.OK

"""projects: list the projects of this user, and forget one."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated

from reconciler.app.project.noted_list import forget_project, list_projects, noted_folders, now
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument, ChosenProject
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell_json
from reconciler.render.projects import forgotten_text, projects_text
from reconciler.render.terminal import show

_PLAIN = re.compile(r"[\w.@%+=:/-]+")  # a shell could interpret anything else


def _folders(_chosen: ChosenProject, incomplete: str) -> list[str]:
    return [folder for folder in noted_folders() if folder.startswith(incomplete) and _PLAIN.fullmatch(folder)]


def list_all(as_json: opt.Json = False) -> int:
    """List the projects in which you ran apply, and whether each is still there.

    Commands with --all look at these projects.

    \b
    Examples:
      reconciler projects list
      reconciler projects list --json | jq '.projects[] | select(.standing != "here")'
    """
    document = list_projects()
    if as_json:
        tell_json(document)
    else:
        show(projects_text(document, now()), sys.stdout, os.environ)
    return ExitCode.OK


def forget(
    project: Annotated[
        str,
        Argument(
            metavar="PROJECT",
            autocompletion=_folders,
            help="Its folder, or any part of it that no other one has",
            show_default=False,
        ),
    ],
    as_json: opt.Json = False,
) -> int:
    """Forget a project: commands with --all no longer look at it.

    Only the note is removed. Its agents keep running, and its next apply notes it again.

    \b
    Examples:
      reconciler projects forget ~/lab
      reconciler projects forget old-lab
    """
    document = forget_project(project)
    if as_json:
        tell_json(document)
    else:
        show(forgotten_text(document), sys.stdout, os.environ)
    return ExitCode.OK

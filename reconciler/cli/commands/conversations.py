"""conversations: list what is stored on disk."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.agents.conversations import stored_conversations
from reconciler.app.project.manifests import in_project
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.parameters import Argument
from reconciler.model.exit_code import ExitCode
from reconciler.render.conversations import conversations_text
from reconciler.render.output import tell_json
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text


def conversations(
    workspace: Annotated[
        str,
        Argument(
            metavar="[WORKSPACE]",
            autocompletion=completion.workspaces,
            help="Only conversations of this workspace",
            show_default=False,
        ),
    ] = "",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """List all stored conversations of the workspaces.

    \b
    Examples:
      reconciler conversations
      reconciler conversations landing-page --json
    """
    at = find_project(chdir, registry)
    document = stored_conversations(at, workspace)
    if as_json:
        tell_json(in_project(at, document))
    else:
        show(conversations_text(document), sys.stdout, at.env)
        for diagnostic in document["diagnostics"]:
            show(diagnostic_text(diagnostic), sys.stderr, at.env)
    unseen = [each for each in document["diagnostics"] if each["severity"] != "warning"]
    return ExitCode.ERROR if unseen else ExitCode.OK

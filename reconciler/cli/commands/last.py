"""last: what an agent said last."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.agents.last import last as look
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Option
from reconciler.model.exit_code import ExitCode
from reconciler.render.last import last_text
from reconciler.render.output import tell, tell_json


def last(
    name: opt.Name,
    turns: Annotated[
        int, Option("-n, --turns", metavar="N", min=1, help="The last N prompts and what was answered")
    ] = 1,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show the last messages of an agent, from its stored conversation.

    Tools and thoughts are left out. It also works while the agent does not run.

    \b
    Examples:
      reconciler last landing-page
      reconciler last landing-page --turns 5
      reconciler last landing-page --json | jq -r '.messages[-1].text'
    """
    at = find_project(chdir, registry)
    warn_about_registry(at)
    document = look(at, name, turns)
    if as_json:
        tell_json(document)
    else:
        tell(*last_text(document))
    return ExitCode.OK

"""explain: why one address will change, or why it will not."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.plan.explain import explanation
from reconciler.app.project.manifests import from_here
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Argument, Option
from reconciler.model.exit_code import ExitCode
from reconciler.render.explain import explanation_text
from reconciler.render.output import tell_json
from reconciler.render.terminal import show


def explain(
    name: Annotated[
        str,
        Argument(
            metavar="NAME",
            autocompletion=completion.everything,
            help="An address, or any unique part of a name",
            show_default=False,
        ),
    ],
    full: Annotated[bool, Option("--full", help="Show long lists, such as arguments, in full")] = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Explain why an agent will change, or why it won't.

    Shows the line of the manifest, the registry's record, what is running, and what would change the result.

    \b
    Examples:
      reconciler explain claude
      reconciler explain claude --json
      reconciler explain broker.main
    """
    at = find_project(chdir, registry)
    document = explanation(at, name)
    seen = from_here(at, document)
    warn_about_registry(at, seen["diagnostics"])
    if as_json:
        tell_json(document)
    else:
        show(explanation_text(seen, full=full), sys.stdout, at.env)
    in_the_way = any(each["severity"] != "warning" for each in document["diagnostics"])
    return ExitCode.ERROR if in_the_way else ExitCode.OK

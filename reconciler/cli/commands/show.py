"""show: print a saved plan, one address, or the registry."""

from __future__ import annotations

from textwrap import dedent
from typing import Annotated

from reconciler.app.agents.recorded import recorded
from reconciler.app.plan import saved_plans
from reconciler.app.project.project import find_project
from reconciler.cli import completion, outputs
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Argument
from reconciler.model.address import parse_address
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.form import Form
from reconciler.render.output import tell_json, tell_text
from reconciler.state.emit import row_text


def show(
    what: Annotated[
        str,
        Argument(
            metavar="[PLANFILE | NAME]",
            autocompletion=completion.everything,
            help="A saved plan, or any unique part of a workspace's or an agent's name",
            show_default=False,
        ),
    ] = "",
    as_json: opt.Json = False,
    full: opt.Full = False,
    form: opt.Format = Form.TEXT,
    junit: opt.Junit = "",
    sarif: opt.Sarif = "",
    markdown: opt.Markdown = "",
    html: opt.Html = "",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show a saved plan, one address, or everything recorded.

    \b
    Examples:
      reconciler show today.plan
      reconciler show today.plan --html today.html
      reconciler show claude
    """
    at = find_project(chdir, registry)
    output = outputs.output(as_json=as_json, form=form, junit=junit, sarif=sarif, markdown=markdown, html=html)
    saved = None if parse_address(what) else saved_plans.saved_plan([what])
    if saved is not None:
        outputs.publish_plan(at, saved, output, full=full)
        return ExitCode.OK
    if output != outputs.Output(as_json):
        raise UsageError("reports need a saved plan", fix="save one with `reconciler plan --out FILE`")
    warn_about_registry(at)
    found = recorded(at, what)
    if as_json:
        tell_json(found)
    else:
        tell_text(dedent("".join(row_text(key, value, 2) for key, value in found.items())))
    return ExitCode.OK

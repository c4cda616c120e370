"""usage: the tokens and the money that agents used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from reconciler.app.project.project import find_project
from reconciler.app.usage.report import UsageRequest, opened, usage_of_all
from reconciler.app.usage.report import usage as count
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.parameters import Option
from reconciler.model.diagnostic import Severity
from reconciler.model.exit_code import ExitCode
from reconciler.model.usage import GroupBy
from reconciler.render.output import tell, tell_json
from reconciler.render.usage import usage_document, usage_text

if TYPE_CHECKING:
    from reconciler.render.documents.usage import UsageDoc


def usage(
    since: Annotated[
        str, Option("--since", metavar="TIME", help="How long ago (24h, 7d, 2w), a date (2026-11-01), or all")
    ] = "7d",
    until: Annotated[
        str,
        Option("--until", metavar="TIME", help="The same; a date includes that day [default: now]"),
    ] = "",
    by: Annotated[
        list[GroupBy] | None,
        Option("--by", help="What to add up for; repeatable [default: agent]", show_default=False),
    ] = None,
    cost: Annotated[bool, Option("--cost", help="Also show money: as stored, else by a price list")] = False,
    as_json: opt.Json = False,
    everywhere: opt.All = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Show how many tokens the agents used, and what they cost.

    It reads what the agent CLIs stored; nothing is asked of a provider. Days are in local time.

    \b
    Examples:
      reconciler usage
      reconciler usage --since 24h --by agent --by model
      reconciler usage --since 2026-11-01 --by day --cost
      reconciler usage --all --by workspace        # all your projects
      reconciler usage --json | jq '.total.tokens.total'
    """
    request = UsageRequest(since, until, tuple(dict.fromkeys(by or [GroupBy.AGENT])), cost)
    if everywhere:
        opt.refuse_one_project(chdir, registry)
        found = usage_of_all(request)
        _show(usage_document(found.report), as_json=as_json)
        return ExitCode.ERROR if any(each.severity is Severity.ERROR for each in found.left_out) else ExitCode.OK
    at = find_project(chdir, registry)
    warn_about_registry(at)
    _show(usage_document(count([opened(at)], request)), as_json=as_json)
    return ExitCode.OK


def _show(document: UsageDoc, *, as_json: bool) -> None:
    if as_json:
        tell_json(document)
    else:
        tell(*usage_text(document))

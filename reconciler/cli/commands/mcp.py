"""mcp: the tools for AI agents."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Annotated

from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.crash import report_crash
from reconciler.cli.parameters import Option
from reconciler.mcp.tool import ToolAccess, ToolPermission
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.extras import missing_extra

_KNOWN = tuple(ToolPermission)


def mcp(
    allow: Annotated[
        list[str] | None,
        Option("--allow", metavar="LIST", help=f"Tools that change something: {', '.join(_KNOWN)}"),
    ] = None,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Offer this project to AI agents, as an MCP server over standard input and output.

    An agent CLI starts this. Its tools are status, peek, last, diff, plan, explain, drift and usage; --allow adds
    send, answer, stop, resume, apply, and with `job` job_submit and job_wait. An agent does nothing to itself without
    `self`.

    \b
    Examples:
      claude mcp add reconciler -- reconciler mcp -C ~/lab
      reconciler mcp --allow send,answer
    """
    allowed = _permissions(allow or [])
    at = find_project(chdir, registry)
    if sys.stdin.isatty():
        raise UsageError(
            "an agent CLI starts this server and talks to it; on a terminal it would only wait",
            fix="add it to one, for example as `reconciler mcp --help` shows",
        )
    try:
        from reconciler.mcp.server import serve  # needs an extra
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise missing_extra(f"the Python package {package}, which the MCP server needs,", "mcp") from error
    serve(ToolAccess(lambda: find_project(at.root, registry), _report, allowed))
    return ExitCode.OK


def _report(error: Exception) -> list[str]:
    return report_crash(error, sys.argv[1:], os.environ)


def _permissions(given: Iterable[str]) -> frozenset[ToolPermission]:
    names = [name.strip() for each in given for name in each.split(",") if name.strip()]
    if unknown := [name for name in names if name not in _KNOWN]:
        raise UsageError(f"--allow does not know {unknown[0]}", fix=f"use some of: {', '.join(_KNOWN)}")
    return frozenset(map(ToolPermission, names))

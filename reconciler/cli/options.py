"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler import __version__
from reconciler.render.form import Form
from reconciler.render.output import tell

from . import completion


def _print_version(wanted: bool) -> None:
    if wanted:
        tell(f"reconciler {__version__}")
        raise typer.Exit


Root = Annotated[
    str,
    typer.Option(
        "-C",
        "--chdir",
        metavar="DIR",
        help="Project folder [default: the nearest one, from here upward]",
        envvar="RECONCILER_ROOT",
    ),
]
RegistryPath = Annotated[
    str,
    typer.Option(
        "--registry",
        metavar="FILE",
        help="Registry file [default: .hermes/agent-sessions.yaml]",
        envvar="RECONCILER_REGISTRY",
    ),
]
Version = Annotated[
    bool, typer.Option("--version", "-V", help="Print the version and exit", is_eager=True, callback=_print_version)
]


Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATHS]...", help="Manifests [default: reconciler.yaml and manifests/*.yaml]", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line, instead of text")]
Format = Annotated[
    Form, typer.Option("--format", help="text, or github: annotations beside the lines of the manifests")
]
Junit = Annotated[str, typer.Option("--junit", metavar="FILE", help="Also write a JUnit report; - for standard output")]
Sarif = Annotated[str, typer.Option("--sarif", metavar="FILE", help="Also write a SARIF report; - for standard output")]
Markdown = Annotated[
    str, typer.Option("--markdown", metavar="FILE", help="Also write a Markdown report; - for standard output")
]
Html = Annotated[str, typer.Option("--html", metavar="FILE", help="Also write an HTML report; - for standard output")]
Full = Annotated[bool, typer.Option("--full", help="Show every field, every step and unchanged items")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="ADDR",
        autocompletion=completion.addresses,
        help="Only this address and what it needs; repeatable",
    ),
]
Excludes = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="ADDR",
        autocompletion=completion.addresses,
        help="Everything except this address and what depends on it; repeatable",
    ),
]
Replaces = Annotated[
    list[str] | None,
    typer.Option(
        "--replace",
        metavar="ADDR",
        autocompletion=completion.addresses,
        help="Restart this agent even if nothing changed; repeatable",
    ),
]
_ONE = "Any unique part of a workspace's, an agent's or a session's name; exact names win"
Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", autocompletion=completion.agents, help=_ONE, show_default=False)
]
SomeNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", autocompletion=completion.agents, help=_ONE, show_default=False),
]
Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=completion.agents, help=_ONE)]
WaitIdle = Annotated[
    str,
    typer.Option("--wait-idle", metavar="TIME", help="Wait this long for a busy agent, instead of refusing at once"),
]
OverBudget = Annotated[
    bool, typer.Option("--over-budget", help="Send it although a budget with `on_exceed: hold` is used up")
]
JobId = Annotated[str, typer.Option("--job", metavar="ID", help="Id of the job")]
JobRecords = Annotated[
    str, typer.Option("--registry-dir", metavar="DIR", help="Folder of the job records, in the project folder")
]
Refresh = Annotated[
    bool, typer.Option("--refresh/--no-refresh", help="Look at the running sessions, or trust the registry")
]
RefreshOnly = Annotated[bool, typer.Option("--refresh-only", help="Only update the registry to match what is running")]
LockTimeout = Annotated[
    str, typer.Option("--lock-timeout", metavar="TIME", help="How long to wait for another running command: 30s, 5m")
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Also interrupt agents that are busy, wait for permission, or whose state cannot be read"
    ),
]
MaxDestroy = Annotated[
    int | None, typer.Option("--max-destroy", metavar="N", min=0, help="Allow ending up to N running agents")
]
Parallelism = Annotated[
    int, typer.Option("--parallelism", metavar="N", min=0, help="Start at most N agents at once; 0 for no limit")
]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", "--yes", "-y", help="Do not ask for confirmation")]
Input = Annotated[bool, typer.Option("--input/--no-input", help="Ask on the terminal, or fail instead of asking")]

"""The options that several commands share, and the exit codes."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler import __version__
from reconciler.model.errors import UsageError

from . import completing

if TYPE_CHECKING:
    from reconciler.model.address import Address


class ExitCode(IntEnum):
    """What a user's script sees."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    NOT_PUBLISHED = 2  # the seed's number, for the one command that never compares anything
    PARTIAL = 3
    UNREACHABLE = 4
    STALE = 5
    LOCKED = 6
    REFUSED = 7
    TIMED_OUT = 8
    SILENT = 9
    USAGE = 64
    INTERRUPTED = 130


class Form(StrEnum):
    """How a document is shown where it is not printed as JSON."""

    TEXT = "text"
    GITHUB = "github"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


Root = Annotated[
    str,
    typer.Option(
        "-C",
        "--chdir",
        metavar="DIR",
        help="Project folder [default: found upward from here]",
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
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text")]
Format = Annotated[
    Form, typer.Option("--format", help="Text, or annotations that GitHub shows beside the manifest's lines")
]
Junit = Annotated[str, typer.Option("--junit", metavar="FILE", help="Write a JUnit report; - for standard output")]
Sarif = Annotated[str, typer.Option("--sarif", metavar="FILE", help="Write a SARIF log; - for standard output")]
Markdown = Annotated[
    str, typer.Option("--markdown", metavar="FILE", help="Write a page of Markdown; - for standard output")
]
Html = Annotated[str, typer.Option("--html", metavar="FILE", help="Write a page of HTML; - for standard output")]
Full = Annotated[bool, typer.Option("--full", help="Show every field, every step and what is unchanged")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="ADDR",
        autocompletion=completing.addresses,
        help="Only this address and what it needs; repeatable",
    ),
]
Excludes = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="ADDR",
        autocompletion=completing.addresses,
        help="Everything but this address and what needs it; repeatable",
    ),
]
Replaces = Annotated[
    list[str] | None,
    typer.Option(
        "--replace",
        metavar="ADDR",
        autocompletion=completing.addresses,
        help="Restart this agent although nothing changed; repeatable",
    ),
]
JobId = Annotated[str, typer.Option("--job", metavar="ID", help="Id of the job")]
JobRecords = Annotated[
    str, typer.Option("--registry-dir", metavar="DIR", help="Folder of the job records, in the project folder")
]
JOB_RECORDS = ".mam/jobs"
Refresh = Annotated[bool, typer.Option("--refresh/--no-refresh", help="Look at live sessions, or trust the registry")]
RefreshOnly = Annotated[
    bool, typer.Option("--refresh-only", help="Only bring the registry up to date with what is live")
]
LockTimeout = Annotated[
    str, typer.Option("--lock-timeout", metavar="TIME", help="How long to wait for a running apply: 30s, 5m")
]
Force = Annotated[bool, typer.Option("--force", help="Interrupt agents that are busy or wait for a permission")]
MaxDestroy = Annotated[
    int | None, typer.Option("--max-destroy", metavar="N", min=0, help="Allow up to N running agents to be ended")
]
Parallelism = Annotated[
    int, typer.Option("--parallelism", metavar="N", min=0, help="Start at most N agents at a time; 0 for all at once")
]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Do not ask")]
Input = Annotated[
    bool, typer.Option("--input/--no-input", help="Ask on the terminal, or fail where a question would be needed")
]

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


def seconds(text: str) -> float:
    """The length of time that `30s`, `5m` or `2` (seconds) stands for; UsageError for anything else."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a length of time", fix="write it as 30s, 5m, 1h or 30d")
    return float(found[1]) * _UNITS[found[2]]


def addresses(texts: list[str] | None) -> tuple[Address, ...]:
    """The addresses that the words spell; UsageError names the first that is none."""
    return tuple(address(text) for text in texts or ())


def address(text: str) -> Address:
    """The address that the word spells, or UsageError."""
    from reconciler.model.address import parse_address

    found = parse_address(text)
    if found is None:
        raise UsageError(f"{text!r} is not an address", fix="write workspace.NAME, agent.WORKSPACE.NAME or broker.NAME")
    return found

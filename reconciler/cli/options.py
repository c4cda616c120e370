"""The options that several commands share."""

from __future__ import annotations

import os
from typing import Annotated

from reconciler.app.project.places import is_project, project_folder
from reconciler.model.errors import UsageError
from reconciler.render.form import Form

from . import completion
from .parameters import Argument, ChosenProject, Option

Root = Annotated[
    str,
    Option(
        "-C, --chdir",
        metavar="DIR",
        help="Project folder [default: the nearest one, from here upward]",
        envvar="RECONCILER_ROOT",
    ),
]
RegistryPath = Annotated[
    str,
    Option(
        "--registry",
        metavar="FILE",
        help="Registry file [default: .hermes/agent-sessions.yaml]",
        envvar="RECONCILER_REGISTRY",
    ),
]
Profile = Annotated[
    list[str] | None,
    Option(
        "--profile",
        metavar="NAME",
        help="Also manage the agents of this profile; repeatable  [env var: RECONCILER_PROFILES]",
        autocompletion=completion.profiles,
    ),
]
All = Annotated[bool, Option("--all", help="Look at all your projects; `projects list` lists them")]


EPILOG = (
    "Start with `reconciler init`, then `reconciler plan` and `reconciler apply`. "
    "`reconciler help topics` lists the pages."
)


def everywhere(chdir: Root = "", registry: RegistryPath = "", _profile: Profile = None) -> ChosenProject:
    """Declare your AI coding agents in a file; reconciler keeps their tmux sessions and conversations matching it."""
    return ChosenProject(chdir, registry)


def refuse_one_project(chdir: str, registry: str) -> None:
    """Refuse `-C` and `--registry` beside `--all`; what comes from their variables is ignored."""
    for given, word, variable in ((chdir, "-C", "RECONCILER_ROOT"), (registry, "--registry", "RECONCILER_REGISTRY")):
        if given and given != os.environ.get(variable):
            fix = f"omit {word} or --all"
            raise UsageError(f"{word} chooses one project, and --all looks at all of them", fix=fix)


def means_all(chdir: str, registry: str, *, everywhere: bool) -> bool:
    """Whether a board shows all projects: with `--all`, and outside of a project. Raises UsageError, as above."""
    if everywhere:
        refuse_one_project(chdir, registry)
    return everywhere or not (chdir or registry or is_project(project_folder("")))


def digest_of(word: str) -> str:
    """The digest that `--expect` names, as `sha256:...`. Raises UsageError for another word."""
    digits = word.removeprefix("sha256:").lower()
    if word and not (len(digits) == 64 and set(digits) <= set("0123456789abcdef")):
        raise UsageError(f"{word!r} is not a digest", fix="pass the `digest` of `reconciler plan --json`: sha256:...")
    return f"sha256:{digits}" if word else ""


Paths = Annotated[
    list[str] | None,
    Argument(
        metavar="[PATHS]...", help="Manifests [default: reconciler.yaml and manifests/*.yaml]", show_default=False
    ),
]
Detach = Annotated[bool, Option("--detach", help="Return at once; follow the job in the background")]
Json = Annotated[bool, Option("--json", help="Print one JSON document instead of text")]
JsonLines = Annotated[bool, Option("--json", help="Print JSON, one object per line, instead of text")]
Format = Annotated[Form, Option("--format", help="text, or github: annotations beside the lines of the manifests")]
Junit = Annotated[str, Option("--junit", metavar="FILE", help="Also write a JUnit report; - for standard output")]
Sarif = Annotated[str, Option("--sarif", metavar="FILE", help="Also write a SARIF report; - for standard output")]
Markdown = Annotated[
    str, Option("--markdown", metavar="FILE", help="Also write a Markdown report; - for standard output")
]
Html = Annotated[str, Option("--html", metavar="FILE", help="Also write an HTML report; - for standard output")]
Full = Annotated[bool, Option("--full", help="Show every field, every step and unchanged items")]
Targets = Annotated[
    list[str] | None,
    Option(
        "--target",
        metavar="NAME",
        autocompletion=completion.addresses,
        help="Only this agent, workspace or broker, and what it needs; repeatable",
    ),
]
Excludes = Annotated[
    list[str] | None,
    Option(
        "--exclude",
        metavar="NAME",
        autocompletion=completion.addresses,
        help="Everything except this and what depends on it; repeatable",
    ),
]
Replaces = Annotated[
    list[str] | None,
    Option(
        "--replace",
        metavar="NAME",
        autocompletion=completion.addresses,
        help="Restart this agent even if nothing changed; repeatable",
    ),
]
_ONE = "Any unique part of a workspace's, an agent's or a session's name; exact names win"
Names = Annotated[
    list[str], Argument(metavar="NAME...", autocompletion=completion.agents, help=_ONE, show_default=False)
]
SomeNames = Annotated[
    list[str] | None,
    Argument(metavar="[NAME]...", autocompletion=completion.agents, help=_ONE, show_default=False),
]
Name = Annotated[str, Argument(metavar="NAME", autocompletion=completion.agents, help=_ONE)]
OneName = Annotated[str, Argument(metavar="[NAME]", autocompletion=completion.agents, help=_ONE)]
WaitIdle = Annotated[
    str,
    Option("--wait-idle", metavar="TIME", help="Wait this long for a busy agent, instead of refusing at once"),
]
OverBudget = Annotated[
    bool, Option("--over-budget", help="Send it although a budget with `on_exceed: hold` is used up")
]
JobId = Annotated[str, Option("--job", metavar="ID", help="Id of the job")]
JobRecords = Annotated[
    str, Option("--registry-dir", metavar="DIR", help="Folder of the job records, in the project folder")
]
Refresh = Annotated[bool, Option("--refresh/--no-refresh", help="Look at the running sessions, or trust the registry")]
RefreshOnly = Annotated[bool, Option("--refresh-only", help="Only update the registry to match what is running")]
LockTimeout = Annotated[
    str, Option("--lock-timeout", metavar="TIME", help="How long to wait for another running command: 30s, 5m")
]
Force = Annotated[
    bool,
    Option("--force", help="Also interrupt agents that are busy, wait for permission, or whose state cannot be read"),
]
MaxDestroy = Annotated[
    int | None, Option("--max-destroy", metavar="N", min=0, help="Allow ending up to N running agents")
]
Expect = Annotated[
    str,
    Option("--expect", metavar="sha256:...", help="Do nothing, and exit with 5, unless the plan has this digest"),
]
Parallelism = Annotated[
    int, Option("--parallelism", metavar="N", min=0, help="Start at most N agents at once; 0 for no limit")
]
AutoApprove = Annotated[bool, Option("--auto-approve, --yes, -y", help="Do not ask for confirmation")]
Input = Annotated[bool, Option("--input/--no-input", help="Ask on the terminal, or fail instead of asking")]

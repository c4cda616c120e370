"""import: take live sessions into the manifests' care."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from reconciler.app.plan.addresses import address
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.door import tell


def register(app: typer.Typer) -> None:
    """Put the commands of this group on the command line."""
    app.command("import")(import_)


def import_(
    addr: Annotated[
        str,
        typer.Argument(
            metavar="[ADDR]",
            autocompletion=completion.addresses,
            help="The agent in the manifest",
            show_default=False,
        ),
    ] = "",
    session: Annotated[str, typer.Argument(metavar="[SESSION]", help="The live session", show_default=False)] = "",
    generate: Annotated[
        bool, typer.Option("--generate", help="Print the YAML that declares all unmanaged sessions")
    ] = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Adopt a live session into the manifests.

    It is tagged as ours, named as the manifest says, and recorded. It runs on.

    \b
    Examples:
      reconciler import agent.landing-page.claude my-old-session
      reconciler import --generate > manifests/adopted.yaml
    """
    from reconciler.app.agents.look import declared_types, unmanaged_sessions
    from reconciler.app.plan.prepared import ApplyOptions
    from reconciler.app.project.project import find_project
    from reconciler.cli.apply_output import ApplyDisplay, carry_out
    from reconciler.cli.own_output import is_own_output
    from reconciler.plan.request import Request

    at = find_project(chdir, registry)
    if generate:
        if addr or session:
            raise UsageError("--generate takes no address and no session")
        tell(*_declaration(unmanaged_sessions(at, is_own_output), declared_types(at, is_own_output)))
        return ExitCode.OK
    if not addr or not session:
        raise UsageError("import takes an address and a session", fix="reconciler import agent.WORKSPACE.NAME SESSION")
    request = Request(imports={address(addr): session})
    options = ApplyOptions(auto_approve=True, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json))


def _declaration(sessions: list[dict[str, object]], declared: frozenset[str]) -> Iterator[str]:
    """A manifest that declares the sessions; the types that it describes need a look by the user."""
    yield "version: 1"
    yield "workspaces:" if sessions else "workspaces: {}"
    for workspace in dict.fromkeys(str(each["workspace"]) for each in sessions):
        yield from _workspace(workspace, [each for each in sessions if each["workspace"] == workspace])
    yield from _own_types(sessions, declared)


def _workspace(workspace: str, sessions: list[dict[str, object]]) -> Iterator[str]:
    yield f"  {_quoted(workspace)}:"
    yield f"    path: {_quoted(sessions[0]['cwd'])}"
    yield "    agents:"
    taken: set[str] = set()
    for each in sessions:
        agent = str(each["agent"])
        name = f"{each['role']}-{agent}" if agent in taken else agent  # two roles may have an agent of one name
        taken.add(agent)
        yield f"      {_quoted(name)}: # adopt with: reconciler import agent.{workspace}.{name} {each['session']}"
        yield f"        role: {_quoted(each['role'])}"
        if name != agent:
            yield f"        type: {_quoted(agent)}"


def _own_types(sessions: list[dict[str, object]], declared: frozenset[str]) -> Iterator[str]:
    from reconciler.agents.catalogue import BUILT_IN, installed

    known = {*BUILT_IN, *installed(), *declared}
    commands = {str(each["agent"]): each["command"] for each in sessions if each["agent"] not in known}
    if commands:
        yield "agent_types: # look these over: they know no more than what runs there now"
    for name, command in commands.items():
        yield f"  {_quoted(name)}:"
        yield f"    command: [{_quoted(command)}]"


def _quoted(text: object) -> str:
    """A YAML string, also where it looks like a number."""
    return json.dumps(text, ensure_ascii=False)

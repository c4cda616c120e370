"""create and delete: add agents to the manifests, and remove them."""

from __future__ import annotations

from typing import Annotated

from reconciler.agents.catalogue import DEFAULT
from reconciler.app.agents.look import look
from reconciler.app.agents.names import full_names, resolve_all
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.edits import declaration, removals
from reconciler.app.project.manifests import load_manifests
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.parameters import Argument, Option
from reconciler.model.address import agent_address, is_name
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.plan.request import Request
from reconciler.render.output import warn


def create(
    workspace: Annotated[
        str,
        Argument(
            metavar="WORKSPACE",
            autocompletion=completion.workspaces,
            help="The workspace that the agent works in",
        ),
    ],
    agent: Annotated[
        str,
        Option("--agent", metavar="TYPE", help="The agent CLI to run [default: Claude Code]", show_default=False),
    ] = "",
    name: Annotated[
        str, Option("--name", metavar="NAME", help="Its name [default: its type]", show_default=False)
    ] = "",
    path: Annotated[
        str,
        Option(
            "--path",
            metavar="DIR",
            help="Folder of a new workspace [default: its name, in the project folder]",
            show_default=False,
        ),
    ] = "",
    prompt: Annotated[str, Option("--prompt", metavar="TEXT", help="The first prompt")] = "",
    auto_approve: opt.AutoApprove = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Add an agent to a manifest and start it.

    Adds a block to the manifest that declares the workspace, or else to the first manifest. Then applies
    only this agent. Everything else in the manifest stays as it is, comments included.

    \b
    Examples:
      reconciler create landing-page
      reconciler create landing-page --agent codex --name review --prompt "Read AGENTS.md, then wait."
      reconciler create shop --path ~/src/shop        # a new workspace
    """
    agent = agent or DEFAULT
    address = agent_address(_checked(workspace, "workspace"), _checked(name or agent, "agent"))
    at = find_project(chdir, registry)
    edit = declaration(at, address, agent, path, prompt)
    request = Request(targets=(address,), edits=(edit,), resumed_by_hand=frozenset({address}), operation="create")
    options = ApplyOptions(auto_approve, lock_timeout=seconds(lock_timeout))
    display = ApplyDisplay(as_json, may_ask=may_ask, by_name="running", asks=not auto_approve)
    return carry_out(at, request, options, display)


def delete(
    names: opt.Names,
    purge_conversation: Annotated[
        bool, Option("--purge-conversation", help="Also delete their stored conversations")
    ] = False,
    auto_approve: opt.AutoApprove = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """End agents and remove them from the manifests and the registry.

    Their conversations stay on disk, and the plan shows where. With --purge-conversation, the plan lists
    the files, and they are deleted once the session is gone.

    \b
    Examples:
      reconciler delete review
      reconciler delete review --purge-conversation
    """
    at = find_project(chdir, registry)
    seen = look(at, everyone=False)
    agents = dict.fromkeys(resolve_all(seen, names))
    warn(*full_names(seen, names))
    edits = removals(at, seen.desired, agents)
    if edits:
        load_manifests(at, (), edits)  # the remaining manifests must be valid
    request = Request(deletes=frozenset(agents), purge=purge_conversation, edits=edits, operation="delete")
    options = ApplyOptions(auto_approve, max_destroy=len(agents), lock_timeout=seconds(lock_timeout))
    display = ApplyDisplay(as_json, may_ask=may_ask, consent="--yes", by_name="deleted", asks=not auto_approve)
    return carry_out(at, request, options, display)


def _checked(name: str, what: str) -> str:
    if not is_name(name):
        raise UsageError(f"{name!r} is not a valid name of {what}", fix="use letters, digits, `_` and `-`")
    return name

"""registry show, take-over and start-afresh, and adopt-registry: manage copies of a project."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

from reconciler.app.project.adopt_registry import adopt_registry
from reconciler.app.project.copies import locate_registry, standing_document
from reconciler.app.project.project import find_project
from reconciler.app.project.take_over import start_afresh as make_new_project
from reconciler.app.project.take_over import take_over as make_this_the_project
from reconciler.cli import options as opt
from reconciler.cli.approval import agreed
from reconciler.cli.parameters import Option
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.document import diagnostic_document
from reconciler.render.output import tell, tell_json
from reconciler.render.terminal import show as print_lines
from reconciler.render.text import diagnostic_text
from reconciler.state.placement import PlacementState


def show(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Show whether this folder is the project or a copy of it.

    \b
    Example:
      reconciler registry show
    """
    at = find_project(chdir, registry)
    found = locate_registry(at)
    if as_json:
        tell_json(standing_document(at, found))
        return ExitCode.OK
    told = {
        PlacementState.HERE: "It is the registry of this project.",
        PlacementState.MOVED: "It was moved here with its project; the next change records that.",
        PlacementState.COPY: f"It is a copy: {found.place.why}.",
    }
    tell(f"{at.registry_path}, serial {found.stored.record.serial}", told[found.place.state])
    return ExitCode.OK


def take_over(
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Make this copy the project; it keeps the agents.

    The folder that it was copied from becomes the copy, and you can change nothing there. Agents that were
    recorded in another container count as ended.

    \b
    Example:
      reconciler registry take-over
    """
    at = find_project(chdir, registry)
    warning = make_this_the_project(at, partial(agreed, auto_approve=auto_approve, may_ask=may_ask))
    if warning:
        print_lines(diagnostic_text(diagnostic_document(warning)), sys.stderr, at.env)
    tell("This folder is now the project. To see what changes, run: reconciler plan")
    return ExitCode.OK


def start_afresh(
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Make this copy a new project without agents.

    The agents and conversations stay with the original. Their records in this copy move to .hermes/kept.

    \b
    Example:
      reconciler registry start-afresh
    """
    make_new_project(find_project(chdir, registry), partial(agreed, auto_approve=auto_approve, may_ask=may_ask))
    tell("This folder is now a new project without agents or conversations. Next: reconciler plan")
    return ExitCode.OK


def adopt(
    here: Annotated[bool, Option("--here", help="Make this machine the owner of the registry")] = False,
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Use a registry that was copied from another machine: it gets a new lineage.

    Agents that do not run on this machine count as stopped; the next apply starts them here. Their conversations
    stay recorded. The registry on the other machine stays as it is.

    \b
    Example:
      reconciler adopt-registry --here
    """
    if not here:
        fix = "if it is this machine: reconciler adopt-registry --here"
        raise UsageError("adopt-registry needs to know which machine the registry shall belong to", fix=fix)
    at = find_project(chdir, registry)
    warning = adopt_registry(at, partial(agreed, auto_approve=auto_approve, may_ask=may_ask))
    if warning:
        print_lines(diagnostic_text(diagnostic_document(warning)), sys.stderr, at.env)
    tell("The registry now belongs to this machine. To see what changes, run: reconciler plan")
    return ExitCode.OK

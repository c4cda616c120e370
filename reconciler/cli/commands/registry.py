"""registry show, take-over and start-afresh: manage copies of a project."""

from __future__ import annotations

import sys
from functools import partial

from reconciler.app.project.copies import locate_registry, standing_document
from reconciler.app.project.project import find_project
from reconciler.app.project.take_over import start_afresh as make_new_project
from reconciler.app.project.take_over import take_over as make_this_the_project
from reconciler.cli import options as opt
from reconciler.cli.approval import agreed
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

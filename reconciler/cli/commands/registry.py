"""registry: show, take-over and start-afresh: whose the registry is."""

from __future__ import annotations

from reconciler.cli import options as opt


def show(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Say whether this is the project, or a copy of it.

    \b
    Example:
      reconciler registry show
    """
    from reconciler.app.project import settlement
    from reconciler.app.project.project import find_project

    return settlement.show(find_project(chdir, registry), as_json=as_json)


def take_over(
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Make this copy the project, with its agents.

    The folder that it was copied from is the copy from then on, and nothing can be changed there. Agents that were
    recorded in another container count as ended.

    \b
    Example:
      reconciler registry take-over
    """
    from reconciler.app.project import settlement
    from reconciler.app.project.project import find_project

    return settlement.take_over(find_project(chdir, registry), settlement.Manner(auto_approve, may_ask))


def start_afresh(
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Make this copy a project of its own.

    It has no agents and no conversations of the other one. What the copy says of them is moved to .hermes/kept.

    \b
    Example:
      reconciler registry start-afresh
    """
    from reconciler.app.project import settlement
    from reconciler.app.project.project import find_project

    return settlement.start_afresh(find_project(chdir, registry), settlement.Manner(auto_approve, may_ask))

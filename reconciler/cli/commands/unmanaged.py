"""unmanaged: list running sessions that nothing manages."""

from __future__ import annotations

from reconciler.app.agents.look import unmanaged_sessions
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.own_output import is_own_output
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell, tell_json


def unmanaged(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """List running sessions that look like agents but are in no manifest.

    Their names have the form `<workspace>-<role>-<type>`, with a known role and a known type.

    \b
    Examples:
      reconciler unmanaged
      reconciler import --generate          # print YAML that declares them
    """
    at = find_project(chdir, registry)
    warn_about_registry(at)
    found = unmanaged_sessions(at, is_own_output)
    if as_json:
        tell_json({"unmanaged": found})
    elif not found:
        tell("No unmanaged sessions: every running session with an agent's name is in a manifest.")
    else:
        width = max(len(str(each["session"])) for each in found)
        for each in found:
            tell(f"{each['session']:<{width}}  {each['command']} (pid {each['pid']}) in {each['cwd']}")
    return ExitCode.OK

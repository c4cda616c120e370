"""import: adopt running sessions."""

from __future__ import annotations

from typing import Annotated

from reconciler.app.adopt.view import generated_manifest
from reconciler.app.plan.addresses import addresses, short_names
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.cli import completion
from reconciler.cli import options as opt
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.cli.copies import warn_about_registry
from reconciler.cli.own_output import is_own_output
from reconciler.cli.parameters import Argument, Option
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.plan.request import Request, ShortWords
from reconciler.render.output import tell


def import_(
    addr: Annotated[
        str,
        Argument(
            metavar="[NAME]",
            autocompletion=completion.addresses,
            help="The agent in the manifest",
            show_default=False,
        ),
    ] = "",
    session: Annotated[str, Argument(metavar="[SESSION]", help="The running session", show_default=False)] = "",
    generate: Annotated[
        bool, Option("--generate", help="Print YAML for recorded agents and running sessions in no manifest")
    ] = False,
    as_json: opt.JsonLines = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Adopt a running session as an agent of a manifest.

    The session keeps running. It is tagged, renamed as the manifest says, and recorded.

    \b
    Examples:
      reconciler import claude my-old-session
      reconciler import --generate > manifests/adopted.yaml
    """
    at = find_project(chdir, registry)
    if generate:
        if addr or session:
            raise UsageError("--generate cannot be combined with an agent or a session")
        warn_about_registry(at)
        tell(*generated_manifest(at, is_own_output))
        return ExitCode.OK
    if not addr or not session:
        raise UsageError("import needs an agent and a session", fix="reconciler import NAME SESSION")
    request = Request(
        imports=dict.fromkeys(addresses([addr]), session),
        short=ShortWords(imports=dict.fromkeys(short_names([addr]), session)),
    )
    options = ApplyOptions(auto_approve=True, lock_timeout=seconds(lock_timeout))
    return carry_out(at, request, options, ApplyDisplay(as_json))

"""confirm: keep what `apply --confirm-within` did."""

from __future__ import annotations

from reconciler.app.history.confirm import confirm as keep
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.model.exit_code import ExitCode
from reconciler.render.documents.confirmation import confirmation_document
from reconciler.render.output import tell, tell_json


def confirm(as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = "") -> int:
    """Keep the changes of `apply --confirm-within`.

    \b
    Example:
      reconciler confirm
    """
    number = keep(find_project(chdir, registry))
    if as_json:
        tell_json(confirmation_document(number))
    else:
        tell("Nothing waits for a confirmation." if number is None else f"Generation {number} is confirmed.")
    return ExitCode.OK

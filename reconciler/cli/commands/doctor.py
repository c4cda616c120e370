"""doctor: look for what is wrong on this machine."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.app.doctor.examine import examine
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Option
from reconciler.render.doctor import doctor_text
from reconciler.render.output import tell_json
from reconciler.render.terminal import show


def doctor(
    fix: Annotated[
        bool,
        Option(
            "--fix", help="Mend what is harmless: leftovers, file modes, a lost socket, the lock of a killed command"
        ),
    ] = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Find out what is wrong on this machine, and what to type.

    Checks the installation, tmux and its options, folders, manifests and registry, agent CLIs, the broker and the
    clock. It works without a project, and with a damaged one. What cannot be checked is `not known`: it does not
    count as fine.

    Without --fix, nothing is changed. --fix ends no agent and deletes nothing that is still needed.

    \b
    Exit codes:
      0  no error, and everything is known; warnings are allowed
      1  something cannot work, or is not known
      3  with --fix: something was mended, and something is left
    If --fix could mend nothing, it is the code of the reason (6: the lock
    is held).

    \b
    Examples:
      reconciler doctor
      reconciler doctor --fix
      reconciler doctor --json | jq '.checks[] | select(.level == "error")'
    """
    at = find_project(chdir, registry)
    document = examine(at, fix=fix)
    if as_json:
        tell_json(document)
    else:
        show(doctor_text(document), sys.stdout, at.env)
    return document["exit_code"]

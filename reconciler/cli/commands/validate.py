"""validate: find all mistakes before anything runs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from reconciler.app.project.manifests import in_project, load_manifests
from reconciler.app.project.project import find_project
from reconciler.app.project.validation import findings
from reconciler.cli import options as opt
from reconciler.model.diagnostic import Severity
from reconciler.model.errors import InvalidManifest
from reconciler.model.exit_code import ExitCode
from reconciler.render.document import diagnostic_document
from reconciler.render.output import tell, tell_json
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from reconciler.app.project.project import Project
    from reconciler.model.diagnostic import Diagnostic


def validate(paths: opt.Paths = None, as_json: opt.Json = False, chdir: opt.Root = "") -> int:
    """Check manifests and report all mistakes at once.

    Shows where each mistake is and how to fix it. Something missing on this machine, such as a repository, is
    only a warning.

    \b
    Examples:
      reconciler validate
      reconciler validate manifests/lab.yaml --json
    """
    at = find_project(chdir, "")
    try:
        loaded = load_manifests(at, paths or ())
    except InvalidManifest as error:
        if not as_json:
            raise
        return _report(at, error.diagnostics, as_json=True)
    diagnostics = findings(at, loaded.desired)
    if as_json or diagnostics:
        return _report(at, diagnostics, as_json=as_json)
    desired = loaded.desired
    parts = (("file", loaded.documents), ("workspace", desired.workspaces), ("agent", desired.agents))
    counts = ", ".join(f"{len(things)} {name}{'' if len(things) == 1 else 's'}" for name, things in parts)
    tell(f"Valid: {counts}.")
    return ExitCode.OK


def _report(at: Project, diagnostics: tuple[Diagnostic, ...], *, as_json: bool) -> int:

    valid = all(each.severity is Severity.WARNING for each in diagnostics)
    documents = [diagnostic_document(each) for each in diagnostics]
    if as_json:
        tell_json({"valid": valid, "diagnostics": in_project(at, documents)})
    else:
        for document in documents:
            show([*diagnostic_text(document), ""], sys.stderr, os.environ)
        tell(*(["Valid, with warnings."] if valid else []))
    return ExitCode.OK if valid else ExitCode.ERROR

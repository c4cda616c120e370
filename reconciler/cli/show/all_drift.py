"""Show the drift of all projects."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from reconciler.app.plan.all_drift import drift_of_all
from reconciler.model.exit_code import ExitCode
from reconciler.render.all_projects import all_drift_text, doubtful_projects, drift_warnings, drifting_projects
from reconciler.render.output import tell_json
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text

if TYPE_CHECKING:
    from reconciler.app.plan.drift import DriftOptions


def show_drift_of_all(options: DriftOptions, *, as_json: bool) -> int:
    """Show the drift of all noted projects. An error in any of them is exit code 1, also when others drift."""
    document = drift_of_all(options)
    if as_json:
        tell_json(document)
    else:
        show(all_drift_text(document), sys.stdout, os.environ)
        for each in drift_warnings(document):
            show(diagnostic_text(each), sys.stderr, os.environ)
    if doubtful_projects(document):
        return ExitCode.ERROR
    return ExitCode.CHANGES if drifting_projects(document) else ExitCode.OK

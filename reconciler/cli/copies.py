"""What has to be said of everything that is told from a registry, on standard error: a copy, an older shape."""

from __future__ import annotations

import sys
from collections.abc import Container

from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry
from reconciler.render.document import diagnostic_document
from reconciler.render.documents.common import DiagnosticDoc
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text
from reconciler.state.registry import read


def warn_about_registry(at: Project, told: Container[DiagnosticDoc] = ()) -> None:
    """Say that the project is a copy of another one, or how its registry was understood; not what is `told` already."""
    for each in map(diagnostic_document, about_registry(at, read(at.registry))):
        if each not in told:
            show(diagnostic_text(each), sys.stderr, at.env)

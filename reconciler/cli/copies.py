"""Warn on standard error about a registry that is a copy or has an older format."""

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


def warn_about_registry(at: Project, shown: Container[DiagnosticDoc] = ()) -> None:
    """Warn if the project is a copy, or its registry has an older format; skip warnings that are in `shown`."""
    for each in map(diagnostic_document, about_registry(at, read(at.registry))):
        if each not in shown:
            show(diagnostic_text(each), sys.stderr, at.env)

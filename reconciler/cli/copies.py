"""A project that is a copy of another one says so, on standard error."""

from __future__ import annotations

import sys

from reconciler.app.project.project import Project
from reconciler.app.project.warnings import copied
from reconciler.render.document import diagnostic_document
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text
from reconciler.state.registry import read


def warn_of_copy(at: Project) -> None:
    """Say that what is told is the other project's, where this one is a copy."""
    for each in copied(at, read(at.registry)):
        show(diagnostic_text(diagnostic_document(each)), sys.stderr, at.env)

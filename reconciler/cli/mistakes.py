"""Show all mistakes in the manifests on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.errors import InvalidManifest
from reconciler.render.document import diagnostic_document
from reconciler.render.text import diagnostic_text


def mistake_lines(error: InvalidManifest) -> Iterator[str]:
    """The lines of each mistake, followed by an empty line."""
    for diagnostic in error.diagnostics:
        yield from diagnostic_text(diagnostic_document(diagnostic))
        yield ""

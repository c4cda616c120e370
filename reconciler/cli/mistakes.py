"""Show on standard error what is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from reconciler.model.errors import InvalidManifest, ReconcilerError, RegistryUnreadable
from reconciler.render.document import diagnostic_document
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text


def show_mistakes(told: ReconcilerError | Iterable[str]) -> None:
    """Show an error, or lines, on standard error."""
    if isinstance(told, InvalidManifest):
        show([*_of_manifests(told), f"{told.summary}. Nothing was done."], sys.stderr, os.environ)
    elif isinstance(told, ReconcilerError):
        show(_of_error(told), sys.stderr, os.environ)
    else:
        show(told, sys.stderr, os.environ)


def _of_manifests(error: InvalidManifest) -> Iterator[str]:
    """The lines of each mistake, followed by an empty line."""
    for diagnostic in error.diagnostics:
        yield from diagnostic_text(diagnostic_document(diagnostic))
        yield ""


def _of_error(error: ReconcilerError) -> list[str]:
    more = error.more if isinstance(error, RegistryUnreadable) else ()
    lines = [f"Error: {error.summary}", *(f"  {line}" for line in error.detail.splitlines())]
    lines += [f"Error: {each}" for each in more]
    return [*lines, f"  -> {error.fix}"] if error.fix else lines

"""version: the same as --version, for those who type a word."""

from __future__ import annotations

from reconciler import __version__
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell


def version() -> int:
    """Print the version and exit."""
    tell(f"reconciler {__version__}")
    return ExitCode.OK

"""The exit codes, as commands know them."""

from __future__ import annotations

from reconciler.model.exit_code import ExitCode

__all__ = ["ExitCode"]

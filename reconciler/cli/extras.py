"""Load what an extra of the package brings, or say in one line how to install it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from reconciler.model.errors import ReconcilerError


def load_extra(module: str, extra: str) -> ModuleType:
    """Import a module of ours that needs the packages of an extra. Raises ReconcilerError if one is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise ReconcilerError(
            f"the Python package {missing} is not installed", fix=f"add it: pip install 'agent-reconciler[{extra}]'"
        ) from error

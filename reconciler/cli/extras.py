"""Load what an extra of the package brings, or say in one line how to install it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from reconciler.model.extras import missing_extra


def load_extra(module: str, extra: str) -> ModuleType:
    """Import a module of ours that needs the packages of an extra. Raises ReconcilerError if one is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise missing_extra(f"the Python package {package}, which `reconciler {extra}` needs,", extra) from error

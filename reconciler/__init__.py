"""reconciler: declare AI coding agents in manifests and keep their tmux sessions so.

The rooms, from the bottom up: model (values), ports (the world), agents (CLIs), kinds
(what can be declared), then manifest, plan, state, observe, apply and render, then app, which
is what the product does, and the command line on top. `make check` holds that order.
`docs/python.md` describes what is exported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.app.api import (
        ApplyEvent,
        ApplyOptions,
        DriftOptions,
        OpenProject,
        Question,
        ReconcilerError,
        Request,
        open_project,
        parse_address,
    )

__version__ = "0.1.0"

__all__ = [
    "ApplyEvent",
    "ApplyOptions",
    "DriftOptions",
    "OpenProject",
    "Question",
    "ReconcilerError",
    "Request",
    "__version__",
    "open_project",
    "parse_address",
]


def __getattr__(name: str) -> object:
    """Load the API at its first use: the command line does not need it and must start fast."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reconciler.app import api  # noqa: PLC0415 - see above

    return getattr(api, name)

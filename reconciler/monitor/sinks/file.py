"""A file of metrics, for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

import os

from msgspec import Struct

from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.observed import Present
from reconciler.model.snapshot import Folder
from reconciler.model.watch import Pass
from reconciler.monitor.sink import Sink, SinkFailed
from reconciler.ports.files import RealFiles
from reconciler.render.metrics import metrics_text

from .context import SinkContext

_MODE = 0o644  # an exporter that runs as another user reads it; it contains only names and numbers


class MetricsFile(Struct, frozen=True):
    """The last pass in numbers; readers never see a half-written file."""

    path: str
    files: RealFiles

    @property
    def name(self) -> str:
        """Its name in warnings."""
        return f"file:{self.path}"

    def tell(self, seen: Pass) -> str:
        """Replace the file; while nothing can be looked at, it stays as it is, and its timestamp shows that."""
        if seen.blind:
            return ""
        try:
            self.files.write(self.path, metrics_text(seen).encode(errors="backslashreplace"), _MODE)
        except ReconcilerError as error:
            raise SinkFailed(error.summary, detail=error.detail) from error
        return ""

    def close(self) -> None:
        """Keep the file: it contains the time of its last pass."""


def sink(path: str, context: SinkContext) -> Sink:
    """Make the sink `file:PATH`. Raises UsageError if its folder is missing."""
    full = os.path.abspath(os.path.expanduser(path))
    match context.files.folder(os.path.dirname(full)):
        case Present(Folder(is_folder=True)):
            return MetricsFile(full, context.files)
        case _:
            raise UsageError(f"the folder of {full} does not exist", fix="create it, or choose another file")

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

_MODE = 0o644  # an exporter of another user reads it; names and numbers are all that is in it


class MetricsFile(Struct, frozen=True):
    """The last pass in numbers; a reader sees a whole file, always."""

    path: str
    files: RealFiles

    @property
    def name(self) -> str:
        """How warnings call it."""
        return f"file:{self.path}"

    def tell(self, seen: Pass) -> str:
        """Replace the file; it stays as it is, and grows old, while nothing can be seen."""
        if seen.blind:
            return ""
        try:
            self.files.write(self.path, metrics_text(seen).encode(errors="backslashreplace"), _MODE)
        except ReconcilerError as error:
            raise SinkFailed(error.summary, detail=error.detail) from error
        return ""

    def close(self) -> None:
        """The file stays: its last pass says how old it is."""


def sink(path: str, context: SinkContext) -> Sink:
    """`file:PATH`; raises UsageError when its folder is missing."""
    full = os.path.abspath(os.path.expanduser(path))
    match context.files.folder(os.path.dirname(full)):
        case Present(Folder(is_folder=True)):
            return MetricsFile(full, context.files)
        case _:
            raise UsageError(f"the folder of {full} is not there", fix="make it, or name another file")

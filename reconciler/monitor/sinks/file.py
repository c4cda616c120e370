"""A file of metrics, for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.errors import ReconcilerError
from reconciler.model.watch import Pass
from reconciler.monitor.sink import SinkFailed
from reconciler.ports.files import RealFiles
from reconciler.render.metrics import metrics_text

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

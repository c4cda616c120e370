"""News on standard output, as text or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TextIO

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.watch import Pass
from reconciler.render.terminal import show
from reconciler.render.watch import watch_documents, watch_text, watch_version
from reconciler.render.watch_shape import WatchDoc


class Stdout:
    """A line for each drift, as it is told, and for each diagnostic that the pass before did not have."""

    name = "standard output"

    def __init__(self, out: TextIO, env: Mapping[str, str], *, as_json: bool) -> None:
        self._out = out
        self._env = env
        self._as_json = as_json
        self._sequence = 0
        self._troubles: tuple[Diagnostic, ...] = ()

    def tell(self, seen: Pass) -> str:
        """Print what is new; nobody who reads is a reason to stop."""
        new = [each for each in seen.diagnostics if each not in self._troubles]
        self._troubles = seen.diagnostics
        lines = [] if self._sequence else [watch_version(seen.at)]
        lines += watch_documents(seen, new, self._sequence + len(lines))
        self._sequence += len(lines)
        try:
            self._print(lines)
        except BrokenPipeError:
            return "nobody reads its output any more"
        return ""

    def close(self) -> None:
        """Every line is out already."""

    def _print(self, lines: list[WatchDoc]) -> None:
        if self._as_json:
            self._out.writelines(json.dumps(line) + "\n" for line in lines)
        else:
            show((text for line in lines for text in watch_text(line)), self._out, self._env)
        self._out.flush()

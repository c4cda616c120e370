"""Run a program of the user for each pass with changes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.redacted import Redacted
from reconciler.model.watch import Pass
from reconciler.monitor.sink import Sink, SinkFailed
from reconciler.ports import programs
from reconciler.render.watch import news_document

from .context import SinkContext, program

_SECONDS = 30.0
_SHOWN = 300  # characters of its error output


class CommandSink(Redacted, frozen=True):
    """Runs `argv` with the changes as JSON on its standard input; its output is shown only if it fails."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    seconds: float = _SECONDS

    @property
    def name(self) -> str:
        """Its name in warnings, without its arguments, which may contain secrets."""
        return f"exec:{self.argv[0]}"

    def tell(self, seen: Pass) -> str:
        """Run the program once."""
        if not seen.news:
            return ""
        given = json.dumps(news_document(seen)).encode() + b"\n"
        try:
            done = programs.run(self.argv, self.env, given=given, seconds=self.seconds)
        except ReconcilerError as error:
            raise SinkFailed(error.summary) from error
        if done.code:
            said = (done.complaints or done.output).strip()[-_SHOWN:]
            raise SinkFailed(f"{self.argv[0]} ended with exit code {done.code}", detail=said)
        return ""

    def close(self) -> None:
        """Do nothing: no process is left running."""


def sink(words: str, context: SinkContext) -> Sink:
    """Make the sink `exec:COMMAND`. Raises UsageError if it is not a valid command line."""
    try:
        argv = tuple(shlex.split(words))
    except ValueError as error:
        raise UsageError(f"exec:{words}: {error}", fix="quote it as in a shell") from error
    if not argv:
        raise UsageError("exec: names no program")
    return CommandSink((program(argv[0], context), *argv[1:]), context.env)

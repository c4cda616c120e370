"""A program of the user's that is run for each pass with news."""

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
_SHOWN = 300  # characters of what it complained of


class CommandSink(Redacted, frozen=True):
    """The news as JSON on the standard input of `argv`; what it prints is seen only when it fails."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    seconds: float = _SECONDS

    @property
    def name(self) -> str:
        """How warnings call it; its arguments may be anything."""
        return f"exec:{self.argv[0]}"

    def tell(self, seen: Pass) -> str:
        """Run it once."""
        if not seen.news:
            return ""
        given = json.dumps(news_document(seen)).encode() + b"\n"
        try:
            done = programs.run(self.argv, self.env, given=given, seconds=self.seconds)
        except ReconcilerError as error:
            raise SinkFailed(error.summary) from error
        if done.code:
            said = (done.complaints or done.output).strip()[-_SHOWN:]
            raise SinkFailed(f"{self.argv[0]} ends with exit code {done.code}", detail=said)
        return ""

    def close(self) -> None:
        """No process of it is left."""


def sink(words: str, context: SinkContext) -> Sink:
    """`exec:COMMAND`; raises UsageError for words that are no command line."""
    try:
        argv = tuple(shlex.split(words))
    except ValueError as error:
        raise UsageError(f"exec:{words}: {error}", fix="quote it as for a shell") from error
    if not argv:
        raise UsageError("exec: names no program")
    return CommandSink((program(argv[0], context), *argv[1:]), context.env)

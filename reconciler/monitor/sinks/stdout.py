"""Print changes on standard output, and what could not be checked on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TextIO

from msgspec.structs import replace

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.redacted import Redacted
from reconciler.model.watch import Pass
from reconciler.render.document import diagnostic_document
from reconciler.render.monitor import notice_text, pass_document
from reconciler.render.output import is_cut_off, json_text
from reconciler.render.terminal import show
from reconciler.render.text import diagnostic_text
from reconciler.render.watch import watch_documents, watch_version


class NewsFormat(StrEnum):
    """The format of printed changes."""

    TEXT = "one line each"
    LINES = "one JSON object per line"
    DOCUMENTS = "a JSON document for each pass with changes"
    DOCUMENT = "a JSON document for each pass"


class OutputStreams(Redacted, frozen=True):
    """The streams for results and warnings, and the environment that decides about colour."""

    out: TextIO
    err: TextIO
    env: Mapping[str, str]


class Stdout:
    """Prints each reported drift, and each diagnostic that the project's previous pass did not have."""

    name = "standard output"

    def __init__(self, streams: OutputStreams, form: NewsFormat) -> None:
        self._streams = streams
        self._form = form
        self._sequence = 0
        self._known: dict[str, tuple[Diagnostic, ...]] = {}

    def tell(self, seen: Pass) -> str:
        """Print the changes. Returns a reason to stop if the output was closed."""
        known = self._known.get(seen.project, ())
        troubles = [each for each in seen.diagnostics if each not in known]
        self._known[seen.project] = seen.diagnostics
        streams = self._streams
        if self._form is not NewsFormat.LINES:
            for each in troubles:
                named = replace(each, summary=f"{_of(seen)}{each.summary}")
                show(diagnostic_text(diagnostic_document(named)), streams.err, streams.env)
            streams.err.flush()
        show(self._lines(seen, troubles), streams.out, streams.env if self._form is NewsFormat.TEXT else {})
        streams.out.flush()
        return "its output was closed" if is_cut_off(streams.out) else ""

    def close(self) -> None:
        """Do nothing: every line is already written."""

    def _lines(self, seen: Pass, troubles: list[Diagnostic]) -> Iterator[str]:
        match self._form:
            case NewsFormat.TEXT:
                yield from (f"{seen.at}  {_of(seen)}{notice_text(notice)}" for notice in seen.news)
            case NewsFormat.LINES:
                yield from self._json_lines(seen, troubles)
            case NewsFormat.DOCUMENT | NewsFormat.DOCUMENTS:
                if seen.news or self._form is NewsFormat.DOCUMENT:
                    yield json_text(pass_document(seen))

    def _json_lines(self, seen: Pass, troubles: list[Diagnostic]) -> Iterator[str]:
        lines = [] if self._sequence else [watch_version(seen.at)]
        lines += watch_documents(seen, troubles, self._sequence + len(lines))
        self._sequence += len(lines)
        yield from map(json_text, lines)


def _of(seen: Pass) -> str:
    """The project before a line, where one monitor watches several."""
    return f"{seen.project}: " if seen.project else ""

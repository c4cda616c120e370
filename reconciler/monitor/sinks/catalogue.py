"""From words on the command line to those who are told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import cast

from msgspec import Struct

from reconciler.model.errors import UsageError
from reconciler.monitor.backlog import BacklogFile, backlog_file
from reconciler.monitor.sink import Sink

from .context import SinkContext
from .retrying import Retrying

_OF_STATES = frozenset({"mqtt", "file"})  # they tell how things are, and that again with the next pass
_FILES = {"exec": "command", "mqtt": "retained", "webhook": "webhook", "file": "file"}  # by the word before the colon
FORMS = "exec:COMMAND, mqtt:TOPIC, webhook:URL, file:PATH"
CARD_OF_WORKER = "HERMES_KANBAN_TASK"
"""The variable in which a Kanban worker finds its own card."""


class SinkOptions(Struct, frozen=True):
    """Whom the command line asks for, beside standard output; `card_from` is the variable that names the card."""

    words: tuple[str, ...] = ()
    card: str = ""
    notify: bool = False
    card_from: str = ""


def sinks(options: SinkOptions, context: SinkContext) -> tuple[Sink, ...]:
    """Everybody who is asked for beside standard output, once; nothing has been told yet.

    Raises:
        UsageError: A word is none of those that are possible; says which are.
        ReconcilerError: A sink cannot work: no broker, no such program.
    """
    asked = {word: _sink(word, context) for word in options.words}
    if options.card:
        asked[f"card:{options.card}"] = _card(options, context)
    if options.notify:
        asked["notify"] = _made("desktop", "", context)

    def warn(text: str) -> None:
        with suppress(OSError, ValueError):  # nobody may be left to read it, and the sinks are for others
            context.err.write(f"Warning: {text}\n")
            context.err.flush()

    return tuple(Retrying(sink, warn, _backlog_file(word, sink, context, warn)) for word, sink in asked.items())


def _backlog_file(word: str, sink: Sink, context: SinkContext, warn: Callable[[str], None]) -> BacklogFile | None:
    if context.state_folder is None or word.partition(":")[0] in _OF_STATES:
        return None
    return backlog_file(context.state_folder, word, sink.name, warn)


def _sink(word: str, context: SinkContext) -> Sink:
    kind, _, rest = word.partition(":")
    if kind not in _FILES or not rest:
        raise UsageError(f"there is no sink {word!r}", fix=f"write one of {FORMS}")
    return _made(_FILES[kind], rest, context)


def _card(options: SinkOptions, context: SinkContext) -> Sink:
    """The card; what is wrong with one that no option names is told with the variable that does."""
    try:
        return _made("card", options.card, context)
    except UsageError as error:
        if not options.card_from:
            raise
        fix = f"or watch without a card: {options.card_from}= reconciler monitor"
        raise UsageError(f"{options.card_from}: {error.summary}", fix=f"{error.fix}; {fix}") from error


def _made(file: str, rest: str, context: SinkContext) -> Sink:
    """The sink of the module `file`, which is imported only when it is asked for."""
    module = import_module(f".{file}", __package__)
    return cast(Sink, module.sink(rest, context))

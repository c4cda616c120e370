"""Make sinks from the words of the command line."""

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

_OF_STATES = frozenset({"mqtt", "file"})  # they report the whole state with every pass, so they need no backlog
_FILES = {"exec": "command", "mqtt": "retained", "webhook": "webhook", "file": "file"}  # by the word before the colon
FORMS = "exec:COMMAND, mqtt:TOPIC, webhook:URL, file:PATH"
CARD_OF_WORKER = "HERMES_KANBAN_TASK"
"""The variable in which a Kanban worker finds its own card."""


class SinkOptions(Struct, frozen=True):
    """The sinks of the command line besides standard output; `card_from` is the variable that names the card."""

    words: tuple[str, ...] = ()
    card: str = ""
    notify: bool = False
    card_from: str = ""


def sinks(options: SinkOptions, context: SinkContext) -> tuple[Sink, ...]:
    """Make every sink of the command line once, except standard output; nothing is sent yet.

    Raises:
        UsageError: A word is not a known sink; the message lists them.
        ReconcilerError: A sink cannot work, because a broker or a program is missing.
    """
    asked = {word: _sink(word, context) for word in options.words}
    if options.card:
        asked[f"card:{options.card}"] = _card(options, context)
    if options.notify:
        asked["notify"] = _made("desktop", "", context)

    def warn(text: str) -> None:
        with suppress(OSError, ValueError):  # a closed terminal must not stop the sinks
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
        raise UsageError(f"{word!r} is not a sink", fix=f"write one of {FORMS}")
    return _made(_FILES[kind], rest, context)


def _card(options: SinkOptions, context: SinkContext) -> Sink:
    """The card's sink; errors about a card from an environment variable name that variable."""
    try:
        return _made("card", options.card, context)
    except UsageError as error:
        if not options.card_from:
            raise
        fix = f"or watch without a card: {options.card_from}= reconciler monitor"
        raise UsageError(f"{options.card_from}: {error.summary}", fix=f"{error.fix}; {fix}") from error


def _made(file: str, rest: str, context: SinkContext) -> Sink:
    """Make the sink of the module `file`, which is imported only when needed."""
    module = import_module(f".{file}", __package__)
    return cast(Sink, module.sink(rest, context))

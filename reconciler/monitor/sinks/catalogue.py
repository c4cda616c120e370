"""From words on the command line to those who are told."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

from reconciler.model.address import is_name
from reconciler.model.discreet import Discreet
from reconciler.model.errors import UsageError
from reconciler.model.observed import Present
from reconciler.model.snapshot import Folder
from reconciler.monitor.backlog import BacklogFile, backlog_file
from reconciler.monitor.sink import Sink

from .retrying import Retrying

if TYPE_CHECKING:
    from reconciler.model.broker import Broker
    from reconciler.monitor.state_folder import StateFolder
    from reconciler.ports.files import RealFiles
    from reconciler.ports.world import Clock, Processes

FORMS = "exec:COMMAND, mqtt:TOPIC, webhook:URL, file:PATH"
CARD_OF_WORKER = "HERMES_KANBAN_TASK"
"""The variable in which a Kanban worker finds its own card."""


class SinkOptions(Struct, frozen=True):
    """Whom the command line asks for, beside standard output; `card_from` is the variable that names the card."""

    words: tuple[str, ...] = ()
    card: str = ""
    notify: bool = False
    card_from: str = ""


class SinkContext(Discreet, frozen=True):
    """What sinks need of the world; `broker` is the declared one. Without a `state_folder` nothing is written down."""

    env: Mapping[str, str]
    files: RealFiles
    processes: Processes
    clock: Clock
    err: TextIO
    broker: Broker | None = None
    state_folder: StateFolder | None = None


def sinks(options: SinkOptions, context: SinkContext) -> tuple[Sink, ...]:
    """Everybody who is asked for beside standard output, once; nothing has been told yet.

    Raises:
        UsageError: A word is none of those that are possible; says which are.
        ReconcilerError: A sink cannot work: no broker, no such program.
    """
    asked = {word: _sink(word, context) for word in options.words}
    if options.card:
        asked[f"card:{options.card}"] = _card_of(options, context)
    if options.notify:
        asked["notify"] = _desktop(context)

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
    if kind not in _KINDS or not rest:
        raise UsageError(f"there is no sink {word!r}", fix=f"write one of {FORMS}")
    return _KINDS[kind](rest, context)


def _command(words: str, context: SinkContext) -> Sink:
    from .command import CommandSink  # noqa: PLC0415 - only what is asked for is imported

    try:
        argv = tuple(shlex.split(words))
    except ValueError as error:
        raise UsageError(f"exec:{words}: {error}", fix="quote it as for a shell") from error
    if not argv:
        raise UsageError("exec: names no program")
    return CommandSink((_program(argv[0], context), *argv[1:]), context.env)


def _mqtt(topic: str, context: SinkContext) -> Sink:
    from reconciler.jobs.route import writer  # noqa: PLC0415 - see `_command`
    from reconciler.ports.mqtt import connect  # noqa: PLC0415 - see `_command`

    from .retained import Retained  # noqa: PLC0415 - see `_command`

    if not topic.isprintable() or topic[0] == "$" or "" in topic.split("/") or {"+", "#"} & set(topic):
        raise UsageError(f"mqtt:{topic} names no topic", fix="write a topic without wildcards, as in mqtt:lab/agents")
    connection = writer(context.broker, context.env, context.files)
    return Retained(topic, lambda will: connect(connection, will=will))


def _webhook(url: str, context: SinkContext) -> Sink:
    from .webhook import TOKEN, webhook  # noqa: PLC0415 - see `_command`

    return webhook(url, context.env.get(TOKEN, ""))


def _file(path: str, context: SinkContext) -> Sink:
    from .file import MetricsFile  # noqa: PLC0415 - see `_command`

    full = os.path.abspath(os.path.expanduser(path))
    match context.files.folder(os.path.dirname(full)):
        case Present(Folder(is_folder=True)):
            return MetricsFile(full, context.files)
        case _:
            raise UsageError(f"the folder of {full} is not there", fix="make it, or name another file")


def _card_of(options: SinkOptions, context: SinkContext) -> Sink:
    try:
        return _card(options.card, context)
    except UsageError as error:
        if not options.card_from:
            raise
        fix = f"or watch without a card: {options.card_from}= reconciler monitor"
        raise UsageError(f"{options.card_from}: {error.summary}", fix=f"{error.fix}; {fix}") from error


def _card(task: str, context: SinkContext) -> Sink:
    from .card import Card, Hermes  # noqa: PLC0415 - see `_command`

    if not is_name(task):
        raise UsageError(f"{task!r} is no card", fix="name one as `hermes kanban list` shows it: t_1a2b3c4d")
    return Card(Hermes(_program("hermes", context), task, context.env), context.clock)


def _desktop(context: SinkContext) -> Sink:
    from .desktop import Desktop  # noqa: PLC0415 - see `_command`

    return Desktop(context.processes, context.env, context.err)


def _program(name: str, context: SinkContext) -> str:
    match context.processes.find(name, context.env.get("PATH", "")):
        case Present(program):
            return program
        case _:
            raise UsageError(f"there is no program {name}", fix="install it, or put its folder on the PATH")


_OF_STATES = frozenset({"mqtt", "file"})  # they tell how things are, and that again with the next pass
_KINDS: Mapping[str, Callable[[str, SinkContext], Sink]] = {
    "exec": _command,
    "mqtt": _mqtt,
    "webhook": _webhook,
    "file": _file,
}

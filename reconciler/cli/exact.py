"""Find the command and its values where the words leave no doubt, because typer is slow to load.

Everything else (mistakes, `--help`, two short options in one word) is left to typer. A test holds that what is found
here is what typer finds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from .catalogue import COMMANDS, Command
from .options import everywhere
from .parameters import Argument, Option, Parameter, parameters_of, value_of


class ExactCall(NamedTuple):
    """A command's function and its arguments; what is not among them has its default."""

    function: Callable[..., object]
    values: Mapping[str, Any]


class _NotPlain(Exception):
    """The words need more than a look-up."""


def exact_call(words: Iterable[str], env: Mapping[str, str]) -> ExactCall | None:
    """The command that the words call; None unless they are plain."""
    rest = deque(words)
    before = parameters_of(everywhere)
    try:
        given = _from_environment(before, env) | _options(before, rest)
        function = _function(rest)
        parameters = parameters_of(function)
        values = {each.name: given[each.name] for each in parameters if each.name in given}
        return ExactCall(function, values | _values(parameters, rest))
    except _NotPlain:
        return None


def _from_environment(parameters: Iterable[Parameter], env: Mapping[str, str]) -> dict[str, Any]:
    variables = {each.name: each.declared.envvar or "" for each in parameters if isinstance(each.declared, Option)}
    return {name: env[variable] for name, variable in variables.items() if env.get(variable)}


def _function(rest: deque[str]) -> Callable[..., object]:
    """The function of the command that the next words name."""
    entries = COMMANDS
    while rest:
        entry = entries.get(rest.popleft())
        if entry is None:
            raise _NotPlain
        if isinstance(entry, Command):
            module = import_module(f".commands.{entry.file}", __package__)
            found: Callable[..., object] = getattr(module, entry.function)
            return found
        entries = entry.commands
    raise _NotPlain


def _values(parameters: list[Parameter], rest: deque[str]) -> dict[str, Any]:
    """What the words after the command say."""
    values = _options(parameters, rest)
    loose = deque[str]()
    while rest:
        loose.append(rest.popleft())
        values |= _options(parameters, rest, values)
    for each in parameters:
        while isinstance(each.declared, Argument) and loose and (each.many or each.name not in values):
            _put(values, each, loose.popleft())
    if loose or any(each.required and each.name not in values for each in parameters):
        raise _NotPlain
    return values


def _options(
    parameters: Iterable[Parameter], rest: deque[str], so_far: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Take the options at the front of the words."""
    values = dict(so_far or {})
    known = {name: (each, on) for each in parameters for name, on in _names(each)}
    while rest and rest[0].startswith("-") and rest[0] != "-":
        name, equals, value = rest.popleft().partition("=")
        parameter, on = known.get(name, (None, False))
        if parameter is None or (equals and (parameter.type is bool or not name.startswith("--"))):
            raise _NotPlain
        if parameter.type is bool:
            values[parameter.name] = on
        else:
            _put(values, parameter, value if equals else _next(rest))
    return values


def _names(parameter: Parameter) -> Iterator[tuple[str, bool]]:
    """The names of an option, and whether each sets it."""
    if isinstance(parameter.declared, Option):
        on, _slash, off = parameter.declared.names.partition("/")
        yield from ((name, True) for name in on.split(", "))
        yield from ((name, False) for name in filter(None, off.split(", ")))


def _next(rest: deque[str]) -> str:
    if not rest or (rest[0].startswith("-") and rest[0] != "-"):
        raise _NotPlain
    return rest.popleft()


def _put(values: dict[str, Any], parameter: Parameter, word: str) -> None:
    try:
        value = value_of(parameter, word)
    except ValueError as error:
        raise _NotPlain from error
    if parameter.many:
        values.setdefault(parameter.name, []).append(value)
    else:
        values[parameter.name] = value

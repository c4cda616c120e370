"""What each command accepts, declared without typer, so that a start need not load typer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from types import FunctionType, UnionType
from typing import Any, NamedTuple, TypeAlias, Union, cast, get_args, get_origin, get_type_hints


class ChosenProject(NamedTuple):
    """Which project and registry the words so far mean; empty where they say nothing."""

    chdir: str
    registry: str


Complete: TypeAlias = Callable[[ChosenProject, str], list[str]]


class Option(NamedTuple):
    """An option; the fields are named as typer names them."""

    names: str  # as `--help` shows them: `-C, --chdir`, or `--input/--no-input` for a flag and its opposite
    help: str
    metavar: str | None = None
    autocompletion: Complete | None = None
    envvar: str | None = None
    min: int | None = None
    max: int | None = None
    show_default: bool = True

    @property
    def help_text(self) -> str:
        """The help with the name of its variable, as typer shows it."""
        return f"{self.help}  [env var: {self.envvar}]" if self.envvar else self.help


class Argument(NamedTuple):
    """A word without dashes, or all of them."""

    help: str
    metavar: str | None = None
    autocompletion: Complete | None = None
    show_default: bool = True


class Parameter(NamedTuple):
    """One parameter of a command's function."""

    name: str
    declared: Option | Argument
    type: type  # of one value
    many: bool  # whether it is a list of such values
    required: bool


def parameters_of(function: Callable[..., object]) -> list[Parameter]:
    """The parameters of a command, in their order."""
    code, defaults = cast(FunctionType, function).__code__, cast(FunctionType, function).__defaults__
    names = code.co_varnames[: code.co_argcount]
    hints = get_type_hints(function, include_extras=True)
    first_with_default = len(names) - len(defaults or ())
    return [_parameter(name, hints[name], number < first_with_default) for number, name in enumerate(names)]


def _parameter(name: str, hint: Any, required: bool) -> Parameter:
    kind, declared = get_args(hint)
    kind = next(_without_none(kind))
    many = get_origin(kind) is list
    return Parameter(name, declared, get_args(kind)[0] if many else kind, many, required)


def _without_none(kind: Any) -> Iterator[Any]:
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return (part for part in parts if part is not type(None))


def value_of(parameter: Parameter, word: str) -> object:
    """The value that a word means for a parameter. Raises ValueError unless it is plainly one."""
    if parameter.type is str:
        return word
    if issubclass(parameter.type, Enum):
        return parameter.type(word)
    if not (parameter.type is int and word.isascii() and word.isdecimal() and isinstance(parameter.declared, Option)):
        raise ValueError(word)
    number, least, most = int(word), parameter.declared.min, parameter.declared.max
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(word)
    return number

"""The words that are understood without typer mean what typer takes them for."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import wraps
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli import typer_program
from reconciler.cli.catalogue import COMMANDS, Entry
from reconciler.cli.exact import exact_call
from reconciler.cli.options import everywhere
from reconciler.cli.parameters import Argument, Parameter, parameters_of, value_of
from reconciler.cli.typer_program import program


class Called(Exception):
    def __init__(self, function: object, values: Mapping[str, Any]) -> None:
        self.function, self.values = function, values


@pytest.fixture(scope="module")
def typer_call() -> Iterator[Callable[..., Called | None]]:
    """What typer would call, and with what."""
    typed = typer_program._typed

    def recording(function: Callable[..., object]) -> Callable[..., object]:
        made = typed(function)

        @wraps(made)
        def record(**values: Any) -> None:
            raise Called(function, values)

        return made if made.__name__ == "_everywhere" else record

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer_program, "_typed", recording)
        whole = program()

        def call(words: list[str], env: Mapping[str, str]) -> Called | None:
            with pytest.MonkeyPatch.context() as around:
                for name in ("RECONCILER_ROOT", "RECONCILER_REGISTRY"):
                    around.delenv(name, raising=False)
                for name, value in env.items():
                    around.setenv(name, value)
                try:
                    whole.main(args=list(words), prog_name="reconciler", standalone_mode=False)
                except Called as found:
                    return found
                except Exception:  # noqa: BLE001 - wrong usage
                    return None
            return None

        yield call


def paths(entries: Mapping[str, Entry]) -> Iterator[tuple[str, ...]]:
    for name, entry in entries.items():
        below = getattr(entry, "commands", None)
        yield from ((name, *rest) for rest in paths(below)) if below else [(name,)]


PATHS = list(paths(COMMANDS))
ODD = ["", "-", "--", "-h", "-yC", "-C/x", "-C=x", "--json=1", "--no-json", "--out=", "--nope", "7", "-1", "é", "text"]


def parameters(path: tuple[str, ...]) -> list[Parameter]:
    entry: Any = None
    for name in path:
        entry = (entry.commands if entry else COMMANDS)[name]
    module = __import__(f"reconciler.cli.commands.{entry.file}", fromlist=[entry.function])
    return parameters_of(getattr(module, entry.function))


def names(each: Parameter) -> list[str]:
    return [] if isinstance(each.declared, Argument) else each.declared.names.replace("/", ", ").split(", ")


def value(each: Parameter) -> st.SearchStrategy[str]:
    if issubclass(each.type, Enum):
        return st.sampled_from([member.value for member in each.type])
    return st.just("3") if each.type is int else st.sampled_from(["a", "x y", "-", "b=c"])


@st.composite
def plain_words(draw: st.DrawFn, path: tuple[str, ...]) -> list[str]:
    """Words that leave no doubt: every parameter that must be given, and some others; options in any order."""
    arguments: list[str] = []
    options: list[list[str]] = []
    for each in parameters(path):
        if not (each.required or draw(st.booleans())):
            if isinstance(each.declared, Argument):
                break  # the next word would be taken for this one
            continue
        for _ in range(draw(st.integers(1, 2)) if each.many else 1):
            if isinstance(each.declared, Argument):
                arguments.append(draw(value(each)))
            else:
                options.append(draw(option(each)))
    middle = draw(st.integers(0, len(options)))
    options = draw(st.permutations(options))
    words = [*itertools.chain(*options[:middle]), *arguments, *itertools.chain(*options[middle:])]
    before = draw(st.sampled_from([[], ["-C", "/x"], ["--chdir=/y", "--registry", "r"]]))
    return [*before, *path, *words]


@st.composite
def option(draw: st.DrawFn, each: Parameter) -> list[str]:
    name = draw(st.sampled_from(names(each)))
    if each.type is bool:
        return [name]
    text = draw(value(each))
    return [f"{name}={text}"] if name.startswith("--") and draw(st.booleans()) else [name, text]


@st.composite
def any_words(draw: st.DrawFn) -> list[str]:
    path = draw(st.sampled_from(PATHS))
    known = [name for each in parameters(path) for name in names(each)]
    words = draw(st.lists(st.sampled_from([*known, *ODD, "a", "plan", "github"]), max_size=6))
    before = draw(st.lists(st.sampled_from(["-C", "--chdir", "--registry=r", "x", "-V", "--help"]), max_size=2))
    return [*before, *path, *words]


ENV = st.sampled_from([{}, {"RECONCILER_ROOT": "/e"}, {"RECONCILER_ROOT": "", "RECONCILER_REGISTRY": "e"}])


def compare(words: list[str], env: Mapping[str, str], typer_call: Callable[..., Called | None]) -> bool:
    """Whether the words are understood without typer; if so, as typer does."""
    ours = exact_call(words, env)
    if ours is None:
        return False
    theirs = typer_call(words, env)
    assert theirs is not None, "typer refuses these words"
    assert theirs.function is ours.function
    defaults = {name: each.default for name, each in inspect.signature(ours.function).parameters.items()}
    assert defaults | dict(ours.values) == theirs.values
    return True


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_plain_words_need_no_typer_and_mean_the_same(path: tuple[str, ...], typer_call: Any) -> None:
    @settings(max_examples=8, deadline=None, database=None)
    @given(plain_words(path), ENV)
    def check(words: list[str], env: dict[str, str]) -> None:
        assert compare(words, env, typer_call)

    check()


@settings(max_examples=500, deadline=None)
@given(any_words(), ENV)
def test_whatever_is_understood_without_typer_is_understood_as_typer_does(
    typer_call: Any, words: list[str], env: dict[str, str]
) -> None:
    compare(words, env, typer_call)


def test_an_option_before_the_command_wins_over_the_environment(typer_call: Any) -> None:
    env = {"RECONCILER_ROOT": "/e"}
    for words, chdir in ((["plan"], "/e"), (["-C", "/b", "plan"], "/b"), (["-C", "/b", "plan", "-C", "/c"], "/c")):
        assert exact_call(words, env).values["chdir"] == typer_call(words, env).values["chdir"] == chdir


@pytest.mark.parametrize("words", [[], ["--help"], ["plan", "--help"], ["-V"], ["job"], ["nothing"], ["stop"]])
def test_help_and_mistakes_are_left_to_typer(words: list[str]) -> None:
    assert exact_call(words, {}) is None


def test_a_number_outside_of_its_limits_is_left_to_typer() -> None:
    limited = [(each, each.declared) for path in PATHS for each in parameters(path) if each.type is int]
    for each, declared in limited:
        outside = ["x", "-1", "1.0", "\u0663", *([str(declared.max + 1)] if declared.max else [])]
        for number in [*outside, *([str(declared.min - 1)] if declared.min else [])]:
            with pytest.raises(ValueError, match=number):
                value_of(each, number)
    assert {bool(declared.min) for _, declared in limited} == {True, False}, "this test would notice nothing"
    assert {declared.max is None for _, declared in limited} == {True, False}, "this test would notice nothing"


def test_the_parameters_of_a_function_are_those_of_its_signature() -> None:
    assert [each.name for each in parameters_of(everywhere)] == list(inspect.signature(everywhere).parameters)

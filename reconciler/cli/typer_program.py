"""The whole command line as typer runs it: help, completion, conversions, and what is wrong with the words.

Groups load a command when it is called. typer is slow to load, so plain words do without it (`exact.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from io import StringIO
from types import FunctionType, SimpleNamespace
from typing import Annotated, Any, cast, get_args, get_type_hints

import typer
from typer.core import TyperGroup

from reconciler import __version__
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.similar import similar
from reconciler.render.output import tell

from .catalogue import COMMANDS, Command, Entry
from .options import EPILOG, RegistryPath, Root, everywhere
from .other_words import refuse
from .parameters import Argument, ChosenProject, Complete, Option

HELP = "help"
# typer contains its own click; this is the base class of that click's usage errors.
_WrongUsage = cast("type[Exception]", typer.BadParameter.__base__)
# Groups that print their help without a subcommand, as the original job script did.
_ASKS_BY_ITSELF = {"job"}


def run_by_typer(words: Sequence[str]) -> tuple[int, ReconcilerError | list[str]]:
    """Run the command line; the exit code, and what is wrong with the words."""
    try:
        code = program().main(args=list(words), prog_name="reconciler", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except _WrongUsage as error:
        return _wrong_usage(error)
    return code if isinstance(code, int) else ExitCode.OK, []


def _wrong_usage(error: Exception) -> tuple[int, ReconcilerError | list[str]]:
    show_error = getattr(error, "show", None)
    context = getattr(error, "ctx", None)
    if context is not None and type(error).__name__ == "NoArgsIsHelpError":
        if context.info_name in _ASKS_BY_ITSELF:
            tell(*str(error).splitlines())
            return ExitCode.OK, []
        return ExitCode.USAGE, str(error).splitlines()
    if wrong := _unknown_choice(error):
        return ExitCode.USAGE, wrong
    said = StringIO()
    if show_error:
        show_error(file=said)
    return ExitCode.USAGE, said.getvalue().splitlines()


def _unknown_choice(error: Exception) -> ReconcilerError | None:
    """The error in our words, if the value is not one of those that an argument or option allows."""
    parameter, context = getattr(error, "param", None), getattr(error, "ctx", None)
    choices = getattr(getattr(parameter, "type", None), "choices", None)
    value = re.match(r"'(.*?)' is not one of", getattr(error, "message", ""))
    if not choices or not value or parameter is None:
        return None
    known = [getattr(each, "value", str(each)) for each in choices]
    named = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.make_metavar(context)
    close = similar(value[1], known)
    fix = f"did you mean `{close[0]}`?" if close else f"one of: {', '.join(known)}"
    return UsageError(f"`{value[1]}` is not a value of {named}", fix=fix)


# --- groups -----------------------------------------------------------------------------------


def program() -> LoadedByName:
    """The command line; each command is loaded when it is called."""
    app = typer.Typer(
        cls=LoadedByName,
        name="reconciler",
        help=everywhere.__doc__,
        epilog=EPILOG,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_typed(_everywhere))
    return fill_group(typer.main.get_command(app), COMMANDS)


def _print_version(wanted: bool) -> None:
    if wanted:
        tell(f"reconciler {__version__}")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", "-V", help="Print the version and exit", is_eager=True, callback=_print_version)
]


def _everywhere(
    context: typer.Context, chdir: Root = "", registry: RegistryPath = "", _version: _Version = False
) -> None:
    given = {name: value for name, value in everywhere(chdir, registry)._asdict().items() if value}
    called = context.invoked_subcommand or ""
    context.default_map = {called: _defaults(COMMANDS[called], given)} if called in COMMANDS else given


def _defaults(entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """The options given before the command, as defaults of every command."""
    below = getattr(entry, "commands", {})
    return {name: _defaults(each, given) for name, each in below.items()} if below else given


class LoadedByName(TyperGroup):
    """A group whose list comes from the catalogue; each command is loaded when it is called."""

    entries: Mapping[str, Entry]

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - click gives it
        """The names, in the order of the catalogue."""
        return list(self.entries)

    def format_commands(self, ctx: object, formatter: Any) -> None:  # noqa: ARG002 - click gives it
        """Write the list of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._visible("")])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the words name; `help` before them shows its help, the help of the group, or a page."""
        if args[:1] != [HELP] or HELP in self.entries:
            if ctx.parent is None and args and args[0] not in self.entries and not ctx.resilient_parsing:
                refuse(args[0])
            return super().resolve_command(ctx, args)
        if args[1:]:
            if ctx.parent is None and args[1] not in self.entries and _show_topic(args[1]):
                raise typer.Exit
            return self.resolve_command(ctx, [*args[1:], "--help"])
        tell(*ctx.get_help().splitlines())
        raise typer.Exit

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete options after a dash, else names of commands."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            SimpleNamespace(value=name, type="plain", help=each.summary) for name, each in self._visible(incomplete)
        ]

    def _visible(self, start: str) -> Iterator[tuple[str, Entry]]:
        return ((name, each) for name, each in self.entries.items() if name.startswith(start) and not each.hidden)


def _show_topic(topic: str) -> bool:
    return bool(import_module(".pages", __package__).show_topic(topic))  # late: most commands show no page


def fill_group(group: Any, entries: Mapping[str, Entry]) -> LoadedByName:
    """Fill a `LoadedByName` group with its commands."""
    group.entries, group.commands = entries, _Commands(entries)
    return cast(LoadedByName, group)


class _Commands(MutableMapping[str, Any]):
    """The commands of one group by name; looking one up loads it."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _loaded(name, self._entries[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _loaded(name: str, entry: Entry) -> Any:
    if not isinstance(entry, Command):
        app = typer.Typer(cls=LoadedByName, name=name, help=entry.summary, no_args_is_help=True, rich_markup_mode=None)
        return fill_group(typer.main.get_group(app), entry.commands)
    module = import_module(f".commands.{entry.file}", __package__)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, hidden=entry.hidden)(_typed(getattr(module, entry.function)))
    return typer.main.get_command(app)


# --- parameters -------------------------------------------------------------------------------


def _typed(command: Callable[..., object]) -> Callable[..., object]:
    """A copy of the function whose parameters are declared as typer wants them."""
    function = cast(FunctionType, command)
    typed = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    typed.__doc__, typed.__module__ = function.__doc__, function.__module__
    hints = get_type_hints(function, include_extras=True)
    typed.__annotations__ = {name: _typed_hint(hint, command is _everywhere) for name, hint in hints.items()}
    return typed


def _typed_hint(hint: Any, reads_environment: bool) -> Any:
    match get_args(hint):
        case (kind, Option() as declared):
            return Annotated[kind, _typed_option(declared, reads_environment)]
        case (kind, Argument() as declared):
            values = declared._asdict() | {"autocompletion": _typed_completion(declared.autocompletion)}
            return Annotated[kind, typer.Argument(**values)]
    return hint


def _typed_option(declared: Option, reads_environment: bool) -> Any:
    values = declared._asdict() | {"autocompletion": _typed_completion(declared.autocompletion)}
    names = values.pop("names").split(", ")
    if declared.envvar and not reads_environment:  # else a variable would win over an option before the command
        values |= {"envvar": None, "help": declared.help_text}
    return typer.Option(*names, **values)


def _typed_completion(complete: Complete | None) -> Callable[..., list[str]] | None:
    if complete is None:
        return None

    def completed(context: typer.Context, incomplete: str) -> list[str]:
        return complete(ChosenProject(_given(context, "chdir"), _given(context, "registry")), incomplete)

    return completed


def _given(context: typer.Context, name: str) -> str:
    """The value of an option, given before or after the command."""
    here: typer.Context | None = context
    while here is not None:
        if here.params.get(name):
            return str(here.params[name])
        here = here.parent  # type: ignore[assignment] # the parent is a context, too
    return ""

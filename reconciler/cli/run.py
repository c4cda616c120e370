"""Run a command line and return its exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import Any, cast

import typer

from reconciler.model.errors import InvalidManifest, ReconcilerError, RegistryUnreadable, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell

from .catalogue import COMMANDS, Entry
from .group import LoadedByName, fill_group
from .options import RegistryPath, Root, Version

# typer contains its own click; this is the base class of that click's usage errors.
_WrongUsage = cast("type[Exception]", typer.BadParameter.__base__)


def program() -> LoadedByName:
    """The command line; each command is loaded when it is called."""
    app = typer.Typer(
        cls=LoadedByName,
        name="reconciler",
        epilog="Start with `reconciler init`, then `reconciler plan` and `reconciler apply`.",
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(everywhere)
    return fill_group(typer.main.get_command(app), COMMANDS)


def everywhere(
    context: typer.Context, chdir: Root = "", registry: RegistryPath = "", _version: Version = False
) -> None:
    """Declare your AI coding agents in a file; reconciler keeps their tmux sessions and conversations matching it."""
    given = {name: value for name, value in (("chdir", chdir), ("registry", registry)) if value}
    called = context.invoked_subcommand or ""
    context.default_map = {called: _defaults(COMMANDS[called], given)} if called in COMMANDS else given


def _defaults(entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """The options given before the command, as defaults of every command."""
    below = getattr(entry, "commands", {})
    return {name: _defaults(each, given) for name, each in below.items()} if below else given


# Groups that print their help without a subcommand, as the original job script did.
_ASKS_BY_ITSELF = {"job"}

# Terraform's users type `-auto-approve` and `-refresh=false`; both are accepted.
_ONE_DASH = re.compile(r"-(?=[a-z][a-z-]+(=|$))")
_TRUTH = re.compile(r"--(?P<name>refresh|input)=(?P<value>true|false|1|0)")


def run(words: Sequence[str], ready: Callable[[], object] = lambda: None) -> int:
    """Run the command line; errors are printed on standard error. `ready` is called before the command runs."""
    completes = "_RECONCILER_COMPLETE" in os.environ
    command = program()
    if not completes:
        ready()
    try:
        code = command.main(args=list(_normalised(words)), prog_name="reconciler", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        _tell(["", "Interrupted."])
        return ExitCode.INTERRUPTED
    except InvalidManifest as error:
        return _tell_mistakes(error)
    except ReconcilerError as error:
        _tell(_error_lines(error))
        return error.exit_code
    except _WrongUsage as error:
        return _tell_usage(error)
    return code if isinstance(code, int) else 0


def _normalised(words: Iterable[str]) -> Iterable[str]:
    """Rewrite Terraform's spellings: two dashes, and `--no-x` for `x=false`."""
    literal = False
    for word in words:
        literal = literal or word == "--"
        if literal:
            yield word
            continue
        long = "-" + word if _ONE_DASH.match(word) else word
        truth = _TRUTH.fullmatch(long)
        if truth is None:
            yield long
        else:
            yield f"--{truth['name']}" if truth["value"] in {"true", "1"} else f"--no-{truth['name']}"


def _tell_usage(error: Exception) -> int:
    show_error = getattr(error, "show", None)
    context = getattr(error, "ctx", None)
    if context is not None and type(error).__name__ == "NoArgsIsHelpError":
        if context.info_name in _ASKS_BY_ITSELF:
            tell(*str(error).splitlines())
            return ExitCode.OK
        _tell(str(error).splitlines())
    elif wrong := _unknown_choice(error):
        _tell(_error_lines(wrong))
    elif show_error:
        said = StringIO()
        show_error(file=said)
        _tell(said.getvalue().splitlines())
    return ExitCode.USAGE


def _unknown_choice(error: Exception) -> ReconcilerError | None:
    """The error in our words, if the value is not one of those that an argument or option allows."""
    parameter, context = getattr(error, "param", None), getattr(error, "ctx", None)
    choices = getattr(getattr(parameter, "type", None), "choices", None)
    value = re.match(r"'(.*?)' is not one of", getattr(error, "message", ""))
    if not choices or not value or parameter is None:
        return None
    from difflib import get_close_matches

    known = [getattr(each, "value", str(each)) for each in choices]
    named = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.make_metavar(context)
    close = get_close_matches(value[1], known, n=1)
    fix = f"did you mean `{close[0]}`?" if close else f"one of: {', '.join(known)}"
    return UsageError(f"`{value[1]}` is not a value of {named}", fix=fix)


def _tell_mistakes(error: InvalidManifest) -> int:
    from .mistakes import mistake_lines

    _tell(mistake_lines(error))
    _tell([f"{error.summary}. Nothing was done."])
    return error.exit_code


def _error_lines(error: ReconcilerError) -> list[str]:
    more = error.more if isinstance(error, RegistryUnreadable) else ()
    lines = [f"Error: {error.summary}", *(f"  {line}" for line in error.detail.splitlines())]
    lines += [f"Error: {each}" for each in more]
    return [*lines, f"  -> {error.fix}"] if error.fix else lines


def _tell(lines: Iterable[str]) -> None:
    from reconciler.render.terminal import show

    show(lines, sys.stderr, os.environ)

"""Run a command line and return its exit code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec

from reconciler.app.project.places import is_project, project_folder
from reconciler.model.errors import ReconcilerError
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell

from .command_names import offered_commands
from .exact import ExactCall, exact_call
from .group_help import help_asked_for

# Terraform's users type `-auto-approve` and `-refresh=false`; both are accepted.
_ONE_DASH = re.compile(r"-(?=[a-z][a-z-]+(=|$))")
_TRUTH = re.compile(r"--(?P<name>refresh|input)=(?P<value>true|false|1|0)")

_WITH_VALUE = ("-C", "--chdir", "--registry")  # the options of the program itself


def run(words: Sequence[str], ready: Callable[[], object] = lambda: None) -> int:
    """Run the command line; errors are printed on standard error. `ready` is called before the command runs."""
    completes = "_RECONCILER_COMPLETE" in os.environ
    plain = list(_normalised(words)) if completes else _with_command(list(_normalised(words)))
    if lines := offered_commands(os.environ) if completes else help_asked_for(plain, os.environ):
        tell(*lines)
        return ExitCode.OK
    if completes:
        return _run_by_typer(plain, lambda: None)
    call = exact_call(plain, os.environ)
    try:
        code = _run_exactly(call, ready) if call else _run_by_typer(plain, ready)
    except (KeyboardInterrupt, EOFError):
        _tell(["", "Interrupted."])
        return ExitCode.INTERRUPTED
    except ReconcilerError as error:
        _tell(error)
        return error.exit_code
    return code if isinstance(code, int) else ExitCode.OK


def _run_exactly(call: ExactCall, ready: Callable[[], object]) -> object:
    ready()
    return call.function(**call.values)


def _run_by_typer(words: Sequence[str], ready: Callable[[], object]) -> int:
    from .typer_program import run_by_typer

    ready()
    code, wrong = run_by_typer(words)
    if wrong:
        _tell(wrong)
    return code


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


def _with_command(words: Sequence[str]) -> list[str]:
    """The words with the command that they stand for, if they are only options of the program and we are in a project.

    That is the board on a terminal, and `status` elsewhere or without the board's library.
    """
    values = _options(words)
    if values is None:
        return list(words)
    root = values.get("-C") or values.get("--chdir") or os.environ.get("RECONCILER_ROOT", "")
    if not is_project(project_folder(root)):
        return list(words)
    on_terminal = all(map(os.isatty, (0, 1, 2)))
    return [*words, "board" if on_terminal and find_spec("textual") else "status"]


def _options(words: Iterable[str]) -> dict[str, str] | None:
    """The options of the program with their values; None if there is anything else."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, given, value = word.partition("=")
        if name not in _WITH_VALUE:
            return None
        found[name] = value if given else next(rest, "")
    return found


def _tell(problem: ReconcilerError | Iterable[str]) -> None:
    from .mistakes import show_mistakes

    show_mistakes(problem)

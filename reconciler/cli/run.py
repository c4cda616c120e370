"""Run a command line and return its exit code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from reconciler.app.project.places import is_project, project_folder
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell

from .command_names import offered_commands
from .exact import ExactCall, exact_call
from .group_help import help_asked_for

# Terraform's users type `-auto-approve` and `-refresh=false`; both are accepted.
_ONE_DASH = re.compile(r"-(?=[a-z][a-z-]+(=|$))")
_TRUTH = re.compile(r"--(?P<name>refresh|input)=(?P<value>true|false|1|0)")

# As the room of the manifests and the addresses have them, which are slow to load; a test compares.
PROFILES = "RECONCILER_PROFILES"
PROFILE_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_WITH_VALUE = ("-C", "--chdir", "--registry")  # the options of the program itself


def run(words: Sequence[str], ready: Callable[[], object] = lambda: None) -> int:
    """Run the command line; errors are printed on standard error. `ready` is called before the command runs."""
    completes = "_RECONCILER_COMPLETE" in os.environ
    if completes:
        return _run(list(_normalised(words)), ready, completes=True)
    try:
        given, profiles = _without_profiles(list(_normalised(words)))
    except UsageError as error:
        _tell(error)
        return error.exit_code
    with _active(profiles):
        return _run(_with_command(given), ready)


@contextmanager
def _active(profiles: Sequence[str]) -> Iterator[None]:
    """Activate the profiles for this command, and for what it starts."""
    before = os.environ.get(PROFILES)
    if not profiles:
        yield
        return
    os.environ[PROFILES] = ",".join([before, *profiles] if before else profiles)
    try:
        yield
    finally:
        del os.environ[PROFILES]
        os.environ.update({PROFILES: before} if before is not None else {})


def _run(plain: list[str], ready: Callable[[], object], *, completes: bool = False) -> int:
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


def _without_profiles(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without `--profile NAME`, before or after the command, and the names.

    Every command that reads manifests uses them, and what it starts does, too: so they go into the environment.
    """
    rest: list[str] = []
    names: list[str] = []
    literal = False
    given = iter(words)
    for word in given:
        literal = literal or word == "--"
        option, equals, name = word.partition("=")
        if literal or option != "--profile":
            rest.append(word)
        else:
            names.append(_profile(name if equals else next(given, "")))
    return rest, names


def _profile(name: str) -> str:
    if re.fullmatch(PROFILE_NAME, name) or name == "*":
        return name
    wrong = f"{name!r} is not the name of a profile" if name else "--profile needs the name of a profile"
    raise UsageError(wrong, fix="write --profile NAME, or --profile '*' for all")


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

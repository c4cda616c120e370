"""Write the man page `reconciler.1` from the help texts of the commands: `make man`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.cli.typer_program import program

PAGE = Path(__file__).parent / "reconciler.1"
# Told once, at the top.
_EVERYWHERE = ("--chdir", "--registry", "--help")

def main() -> None:
    """Write the page."""
    PAGE.write_text(man_page())


def man_page() -> str:
    """The whole page in the language of man(7)."""
    top = program()
    context = top.make_context("reconciler", [], resilient_parsing=True)
    lines = [
        f'.TH RECONCILER 1 "" "reconciler {__version__}" "User Commands"',
        ".SH NAME",
        "reconciler \\- declare AI coding agents, and keep their tmux sessions and conversations so",
        ".SH SYNOPSIS",
        ".B reconciler",
        "[OPTIONS] COMMAND [ARGS]...",
        ".SH DESCRIPTION",
        *_text(top.help),
        ".SH OPTIONS",
        *_options(top, context),
        ".SH COMMANDS",
        *(line for each in _commands(top, context) for line in each),
        ".SH SEE ALSO",
        ".BR tmux (1),",
        ".BR mosquitto (8)",
        ".PP",
        "The pages of the documentation: reconciler help topics",
    ]
    return "\n".join(lines) + "\n"


def _commands(group: Any, context: Any) -> Iterator[list[str]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inside = command.make_context(name, [], parent=context, resilient_parsing=True)
        if hasattr(command, "list_commands"):
            yield from _commands(command, inside)
        else:
            yield _section(command, inside)


def _section(command: Any, context: Any) -> list[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    return [f'.SS "{context.command_path} {_escaped(usage)}"', *_text(command.help), *_options(command, context)]


def _options(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and not (context.parent and set(parameter.opts) & set(_EVERYWHERE)):
            yield ".TP"
            yield f".B {_escaped(record[0])}"
            yield _escaped(record[1]) or "\\&"


def _text(text: str | None) -> Iterator[str]:
    """Paragraphs; one that begins with \\b keeps its lines, as in `--help`."""
    for number, block in enumerate((text or "").strip().split("\n\n")):
        if number:
            yield ".PP"
        lines = [line.strip() if not block.startswith("\b") else line for line in block.strip("\b\n").splitlines()]
        if block.startswith("\b"):
            yield from (".nf", *map(_escaped, lines), ".fi")
        else:
            yield from map(_escaped, lines)


def _escaped(text: str) -> str:
    """Text that man(7) shows as it is: a line does not begin with a control character, and `-` is a plain minus."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    sys.exit(main())

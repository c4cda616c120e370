"""How to say something to tmux's command parser, and nothing else than that."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r'[\x00-\x1f\x7f"\\$~]')
# tmux halves a run of `#`, except before `[`, where it leaves the run alone (format_expand1).
_HASHES = re.compile(r"#+(?![#\[])")


def quote(text: str) -> str:
    """One word of a command line, whatever is in it.

    Within double quotes tmux's lexer knows escapes, `$` and, as the first character, `~` (tmux(1),
    "Parsing syntax"); a newline would end the command of a control client.
    """
    return f'"{_SPECIAL.sub(_escape, text)}"'


def command(*words: str) -> str:
    """One command line of quoted words."""
    return " ".join(map(quote, words))


def sequence(commands: Iterable[str]) -> str:
    """Commands that tmux runs one after the other, up to the first that fails."""
    return " ; ".join(commands)


def literal(text: str) -> str:
    """A format that expands to `text` and, above all, runs none of its `#(...)`."""
    return _HASHES.sub(lambda run: run[0] * 2, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character.isprintable() else f"\\{ord(character):03o}"

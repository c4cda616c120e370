"""How to say something to tmux's command parser, and nothing else than that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce

from reconciler.ports.world import Texts

_SPECIAL = re.compile(r'[\x00-\x1f\x7f"\\$~]')
_ENDS = re.compile(r"[,}]")  # of an argument in a format
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


def same(field: str, text: str) -> str:
    """A format that is true when a field of its pane has exactly this text, whatever is in it."""
    expected = _ENDS.sub(r"#\g<0>", literal(text))
    return f"#{{==:#{{{field}}},{expected}}}"


def all_of(conditions: Iterable[str]) -> str:
    """A format that is true when all of these are."""
    return _joined("&&", conditions)


def on_screen(groups: Texts) -> str:
    """A format that is true while one of the groups is found on the screen of its pane.

    tmux(1), "Formats": `C` searches by fnmatch(3). What could mean something to it, or to the format, may
    be anything; `&&` and `||` take two in tmux 3.3a.
    """
    return _joined("||", (_joined("&&", map(_found, texts)) for texts in groups))


def _found(text: str) -> str:
    return f"#{{C/i:{re.sub(r'[^A-Za-z0-9 ]+', '*', text)}}}"


def _joined(operator: str, conditions: Iterable[str]) -> str:
    """Zero, which is false, when there are none."""
    first, *others = [*conditions] or ["0"]
    return reduce(lambda left, right: f"#{{{operator}:{left},{right}}}", others, first)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character.isprintable() else f"\\{ord(character):03o}"

"""Quote text for tmux's command parser and formats, so that it cannot mean anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.ports.world import Texts

_MEANT = re.compile("[^A-Za-z0-9 \x80-\U0010ffff]+")  # what may mean something in a format or to fnmatch
_SPECIAL = re.compile(r'[\x00-\x1f\x7f"\\$~]')
_ENDS = re.compile(r"[,}]")  # these end an argument in a format
# tmux halves a run of `#`, except before `[`, where it keeps the run (format_expand1 in its source).
_HASHES = re.compile(r"#+(?![#\[])")


def quote(text: str) -> str:
    """Any text as one word of a command line.

    In double quotes, tmux interprets escapes, `$` and a leading `~` (tmux(1), "Parsing syntax"). A newline would end
    the command of a control client.
    """
    return f'"{_SPECIAL.sub(_escape, text)}"'


def command(*words: str) -> str:
    """One command line of quoted words."""
    return " ".join(map(quote, words))


def sequence(commands: Iterable[str]) -> str:
    """Commands that tmux runs one after the other, until one fails."""
    return " ; ".join(commands)


def literal(text: str) -> str:
    """A format that expands to `text`. A `#(...)` in the text is not run."""
    return _HASHES.sub(lambda run: run[0] * 2, text)


def same(field: str, text: str) -> str:
    """A format that is true when a field of the pane has exactly this text."""
    expected = _ENDS.sub(r"#\g<0>", literal(text))
    return f"#{{==:#{{{field}}},{expected}}}"


def all_of(conditions: Iterable[str]) -> str:
    """A format that is true when all conditions are true."""
    return _joined("&&", conditions)


def on_screen(groups: Texts) -> str:
    """A format that is true while one of the groups is found on the screen of the pane.

    `C` searches with fnmatch(3), see tmux(1), "Formats". All special characters are replaced by `*`; beyond ASCII,
    there are none. In tmux 3.3a, `&&` and `||` take only two arguments, so they are nested.
    """
    return _joined("||", (_joined("&&", map(_found, texts)) for texts in groups))


def _found(text: str) -> str:
    return f"#{{C/i:{_MEANT.sub('*', text)}}}"


def _joined(operator: str, conditions: Iterable[str]) -> str:
    """The conditions joined in pairs, as flat as possible: tmux has a limit. 0, which is false, when there are none."""
    level = [*conditions] or ["0"]
    while len(level) > 1:
        pairs = (level[at : at + 2] for at in range(0, len(level), 2))
        level = [f"#{{{operator}:{','.join(pair)}}}" if len(pair) > 1 else pair[0] for pair in pairs]
    return level[0]


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character.isprintable() else f"\\{ord(character):03o}"

"""Split a shell line into commands, without running it.

Quotes are resolved as POSIX describes them. What only a running shell knows, such as the output of a command, stays
as it is written, and the word lists it as `open`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

_LONGEST = 20_000  # characters of a line
_MOST = 100  # commands in a line
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_FILLED = (
    rf"(?P<known>\$\{{{_NAME}\}}|\${_NAME})"
    r"|(?P<run>`[^`]*`|\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\$[0-9@*#?$!-])"
)
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t]+|\\\n)
    | (?P<operator>&&|\|\||\|&|[;&|\n])
    | (?P<file>[0-9]*(?:<<<|<<-?|>>|[<>]&|&>>?|<>|>\||[<>]))
    | (?P<group>[()])
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | \\(?P<escaped>.)
    | {_FILLED}
    | (?P<plain>[^\s'"\\`$;&|<>()]+|\$)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_QUOTES = re.compile(rf"\\(?P<escaped>[\"\\$`\n])|{_FILLED}", re.DOTALL)
_SCRIPT = frozenset({
    "!", "[[", "case", "coproc", "do", "done", "elif", "else", "fi", "for", "function", "if", "select", "then", "until",
    "while", "{", "}",
})  # fmt: skip


class NotPlain(ValueError):
    """A line that is not a simple list of commands; the message says why."""


class ShellWord(Struct, frozen=True):
    """One word without its quotes; `open` are the parts that only a running shell can expand."""

    text: str
    open: tuple[str, ...] = ()


class ShellCommand(Struct, frozen=True):
    """The words of one command, and the operator after it: `;`, `&&`, `||`, `|`, `&`, or nothing."""

    words: tuple[ShellWord, ...]
    then: str = ""


def shell_commands(line: str, variables: Mapping[str, str]) -> tuple[ShellCommand, ...]:
    """The commands of a line, in order; `variables` are those with known values, HOME among them.

    Raises:
        NotPlain: The line is a script, redirects something, or has an unclosed quote.
    """
    if len(line) > _LONGEST:
        raise NotPlain(f"it has more than {_LONGEST:,} characters")
    scan = _Scan(variables)
    for token in _tokens(line):
        scan.take(token)
    scan.end_command("")
    if len(scan.commands) > _MOST:
        raise NotPlain(f"it has more than {_MOST} commands")
    return tuple(scan.commands)


def _tokens(line: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            raise NotPlain("a quote or a bracket in it is not closed")
        fresh = not at or line[at - 1] in " \t\n;&|"
        if fresh and token["plain"] and token["plain"].startswith("#"):
            end = line.find("\n", at)
            at = len(line) if end < 0 else end
            continue
        yield token
        at = token.end()


@dataclass(slots=True)
class _Scan:
    """The state of the scanner; `text` is the current word, or None between words."""

    variables: Mapping[str, str]
    commands: list[ShellCommand] = field(default_factory=list)
    words: list[ShellWord] = field(default_factory=list)
    text: str | None = None
    open: list[str] = field(default_factory=list)

    def take(self, token: re.Match[str]) -> None:
        kind, found = str(token.lastgroup), token.group()
        match kind:
            case "space":
                self.end_word()
            case "operator":
                self.end_command("" if found == "\n" else found)
            case "file":
                raise NotPlain("it reads from a file or writes into one")
            case "group":
                raise NotPlain("it groups commands in brackets")
            case "double":
                self.quoted(token["double"])
            case "known" | "run":
                self.add(self.filled(found))
            case "plain":
                self.add(self.home(found))
            case _:
                self.add(token[kind])

    def add(self, text: str) -> None:
        self.text = (self.text or "") + text

    def home(self, found: str) -> str:
        """Expand `~` at the start of a word to the home folder; another user's home is not known."""
        if self.text is not None or not found.startswith("~"):
            return found
        user, slash, rest = found.partition("/")
        if user != "~":
            self.open.append(user)
            return found
        return self.variables.get("HOME", user) + slash + rest

    def filled(self, found: str) -> str:
        name = found.strip("${}")
        if re.fullmatch(_NAME, name) and name in self.variables:
            return self.variables[name]
        self.open.append(found)
        return found

    def quoted(self, inner: str) -> None:
        self.add("")
        at = 0
        for found in _IN_QUOTES.finditer(inner):
            self.add(inner[at : found.start()])
            escaped = found["escaped"]
            self.add(self.filled(found.group()) if escaped is None else escaped.strip("\n"))
            at = found.end()
        self.add(inner[at:])

    def end_word(self) -> None:
        if self.text is None:
            return
        if not self.words and self.text in _SCRIPT:
            raise NotPlain(f"it is a script (`{self.text}`)")
        self.words.append(ShellWord(self.text, tuple(self.open)))
        self.text, self.open = None, []

    def end_command(self, operator: str) -> None:
        self.end_word()
        if self.words:
            self.commands.append(ShellCommand(tuple(self.words), operator))
        self.words = []

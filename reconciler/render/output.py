"""The one door for everything that is printed: nothing that others wrote steers the terminal.

The standard streams themselves are guarded (`guard`), so that libraries cannot get around it, either. `tests/
test_architecture.py` sees that nothing else in the package writes to them.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO, cast

from reconciler.model.harmless import harmless, one_line
from reconciler.model.sgr import SGR


class SafeStream:
    """A text stream that shows control characters instead of sending them; for the rest, the stream `beneath` it.

    Neither a write nor a flush raises: what runs must not stop half-way because nobody can read about it, and a library
    must not end the program with an exit code of its own. `failure` keeps the first error, and `settle` raises it.
    """

    def __init__(self, beneath: TextIO) -> None:
        self.beneath = beneath
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text, harmless."""
        if not isinstance(text, str):  # typer asks streams in this way whether they take bytes
            raise TypeError("text is expected")
        self.write_styled(harmless(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of the texts, harmless."""
        for line in lines:
            self.write(line)

    def write_styled(self, text: str) -> None:
        """Write the text as it is: for our own colours around text that is harmless already."""
        try:
            self.beneath.write(text)
        except OSError as error:
            self.failure = self.failure or error

    def write_bytes(self, content: bytes) -> None:
        """Write bytes as they are, behind what was written before."""
        self.flush()
        try:
            self.beneath.buffer.write(content)
        except OSError as error:
            self.failure = self.failure or error

    def flush(self) -> None:
        """Send what was written."""
        try:
            self.beneath.flush()
        except OSError as error:
            self.failure = self.failure or error

    def settle(self) -> None:
        """Send what was written. Raises OSError when that fails, or has failed before."""
        self.flush()
        if self.failure:
            raise self.failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)


class _Styled:
    """A guarded stream for what makes colours: it is given harmless text only."""

    def __init__(self, door: SafeStream) -> None:
        self._door = door

    def write(self, text: str) -> int:
        self._door.write_styled(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)


class _Closed:
    """Stands for a stream that was closed before we began."""

    encoding = "utf-8"

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        raise OSError(errno.EBADF, "it is closed")


def guard() -> None:
    """Put the door in front of standard output and standard error."""
    sys.stdout = _guarded(sys.stdout)
    sys.stderr = _guarded(sys.stderr)


def _guarded(stream: TextIO | None) -> TextIO:
    if stream is None:
        return cast(TextIO, SafeStream(cast(TextIO, _Closed())))
    if isinstance(stream, SafeStream):
        return cast(TextIO, stream)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # a character that the user's encoding lacks is no reason to stop
        with suppress(OSError):
            reconfigure(errors="backslashreplace")
    return cast(TextIO, SafeStream(stream))


def styled(stream: TextIO) -> TextIO:
    """The stream as one takes it that colours text that is harmless already."""
    return cast(TextIO, _Styled(stream)) if isinstance(stream, SafeStream) else stream


def is_cut_off(stream: TextIO) -> bool:
    """Whether something that was written to the stream did not arrive: its reader has left, or its disk is full."""
    return isinstance(stream, SafeStream) and stream.failure is not None


def escape_line(line: str) -> str:
    """A line as it is printed: it steers neither a terminal nor, in a workflow of GitHub's, its runner."""
    return _no_command(one_line(line))


def _no_command(line: str) -> str:
    """A runner obeys a line that begins with `::`, and `##[` anywhere in one (actions/runner, ActionCommand.cs)."""
    if not os.environ.get("GITHUB_ACTIONS"):
        return line
    return line.replace("::", r"\x3a:", 1 if line.lstrip().startswith("::") else 0).replace("##[", r"#\x23[")


def write_lines(stream: TextIO, lines: Iterable[str]) -> None:
    """Write the lines to a stream that a person or a log has."""
    stream.writelines(f"{escape_line(line)}\n" for line in lines)


def tell(*lines: str) -> None:
    """Print the lines as results."""
    write_lines(sys.stdout, lines)


def warn(*lines: str) -> None:
    """Print the lines on standard error."""
    write_lines(sys.stderr, lines)


def ring(stream: TextIO) -> None:
    """Ring the bell of the terminal, if it is one."""
    styled(stream).write("\a")


def write_coloured(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines of others, of whose escape sequences only those that colour count (SGR); the rest is shown."""
    styled(stream).writelines(f"{coloured_line(line)}\n" for line in lines)


def coloured_line(line: str) -> str:
    """A line whose colours stay, and of which nothing else steers a terminal or a runner."""
    colours = SGR.findall(line)
    texts = map(escape_line, SGR.split(line))
    return "".join(text + colour for text, colour in zip(texts, [*colours, ""], strict=True))


def tell_commands(lines: Iterable[str]) -> None:
    """Print lines that the runner of a workflow shall obey: what is in them is escaped for it."""
    sys.stdout.writelines(f"{one_line(line)}\n" for line in lines)


def tell_text(text: str) -> None:
    """Print a text of several lines as it is, but harmless; its last line end is its own."""
    sys.stdout.write("\n".join(map(escape_line, text.split("\n"))))


def tell_json(document: object, *, indent: int | None = None) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(document, indent=indent) + "\n")


def json_text(document: object, *, indent: int | None = None) -> str:
    """A document in printable ASCII: every other character is an escape of JSON's, and so is what steers a runner."""
    return json.dumps(document, indent=indent).replace("\x7f", "\\u007f").replace("##[", "#\\u0023[")


def tell_bytes(content: bytes) -> None:
    """Print a file byte for byte, into a pipe or a file; harmless, as a text, on a terminal."""
    if sys.stdout.isatty():
        tell_text(content.decode(errors="surrogateescape"))
        return
    cast(SafeStream, _guarded(sys.stdout)).write_bytes(content)


def ask(question: str) -> str:
    """The line that the user types after the question."""
    sys.stdout.write(harmless(question))
    sys.stdout.flush()
    return sys.stdin.readline()

"""Print everything through one place, so that no text from elsewhere can control the terminal.

`guard` replaces the standard streams themselves, so that libraries print through it, too.
`tests/test_architecture.py` checks that nothing else in the package writes to them.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from reconciler.model.harmless import harmless, one_line
from reconciler.model.sgr import SGR


class SafeStream:
    """A text stream that shows control characters instead of sending them; otherwise it acts like `beneath`.

    Neither a write nor a flush raises: an apply must not stop half-way because its reader has left, and a library must
    not end the program with an exit code of its own. `failure` keeps the first error, and `settle` raises it.
    """

    def __init__(self, beneath: TextIO) -> None:
        self.beneath = beneath
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text with its control characters made visible."""
        if not isinstance(text, str):  # typer writes bytes to find out whether a stream takes them
            raise TypeError("text is expected")
        self.write_styled(harmless(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each text with its control characters made visible."""
        for line in lines:
            self.write(line)

    def write_styled(self, text: str) -> None:
        """Write the text unchanged: only for our own colours around text that is already harmless."""
        try:
            self.beneath.write(text)
        except OSError as error:
            self.failure = self.failure or error

    def write_bytes(self, content: bytes) -> None:
        """Write bytes unchanged, after everything written so far."""
        self.flush()
        try:
            self.beneath.buffer.write(content)
        except OSError as error:
            self.failure = self.failure or error

    def flush(self) -> None:
        """Flush what was written; keep an error in `failure`."""
        try:
            self.beneath.flush()
        except OSError as error:
            self.failure = self.failure or error

    def settle(self) -> None:
        """Flush what was written. Raises OSError when this, or an earlier write, failed."""
        self.flush()
        if self.failure:
            raise self.failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)


class _Styled:
    """A guarded stream for the code that adds colours; it gets harmless text only."""

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
    """Replaces a stream that was already closed when the program started."""

    encoding = "utf-8"

    def write(self, _text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        raise OSError(errno.EBADF, "it is closed")


def guard() -> None:
    """Replace standard output and standard error with guarded streams."""
    sys.stdout = _guarded(sys.stdout)
    sys.stderr = _guarded(sys.stderr)


def _guarded(stream: TextIO | None) -> TextIO:
    if stream is None:
        return cast(TextIO, SafeStream(cast(TextIO, _Closed())))
    if isinstance(stream, SafeStream):
        return cast(TextIO, stream)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # do not fail on a character that the user's encoding lacks
        with suppress(OSError):
            reconfigure(errors="backslashreplace")
    return cast(TextIO, SafeStream(stream))


def styled(stream: TextIO) -> TextIO:
    """The stream for code that adds colours to text that is already harmless."""
    return cast(TextIO, _Styled(stream)) if isinstance(stream, SafeStream) else stream


def is_cut_off(stream: TextIO) -> bool:
    """Whether a write to the stream failed, because its reader has left or its disk is full."""
    return isinstance(stream, SafeStream) and stream.failure is not None


def escape_line(line: str) -> str:
    """The line made harmless: it controls neither a terminal nor the runner of a GitHub workflow."""
    return _no_command(one_line(line))


def _no_command(line: str) -> str:
    """A runner treats `::` at the start and `##[` anywhere as a command (actions/runner, ActionCommand.cs)."""
    if not os.environ.get("GITHUB_ACTIONS"):
        return line
    return line.replace("::", r"\x3a:", 1 if line.lstrip().startswith("::") else 0).replace("##[", r"#\x23[")


def write_lines(stream: TextIO, lines: Iterable[str]) -> None:
    """Write the lines, made harmless, to a stream."""
    stream.writelines(f"{escape_line(line)}\n" for line in lines)


def tell(*lines: str) -> None:
    """Print the lines as results."""
    write_lines(sys.stdout, lines)


def warn(*lines: str) -> None:
    """Print the lines on standard error."""
    write_lines(sys.stderr, lines)


def ring(stream: TextIO) -> None:
    """Ring the terminal's bell, if the stream is a terminal."""
    styled(stream).write("\a")


def write_coloured(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines of others, of whose escape sequences only those that colour count (SGR); the rest is shown."""
    styled(stream).writelines(f"{coloured_line(line)}\n" for line in lines)


@contextmanager
def repainted(stream: TextIO, *, coloured: bool) -> Iterator[Callable[[Sequence[str]], None]]:
    """Paint lines over those before on a terminal; the cursor stays behind the last one. At the end, none is left.

    Lines that are wider than the terminal are cut by it.
    """
    door = styled(stream)
    painted = 0

    def clear() -> None:
        door.write(f"\r\x1b[{painted - 1}A\x1b[J" if painted > 1 else "\r\x1b[J")

    def paint(lines: Sequence[str]) -> None:
        nonlocal painted
        clear()
        door.write("\r\n".join(coloured_line(line if coloured else SGR.sub("", line)) for line in lines))
        painted = len(lines)
        stream.flush()

    door.write("\x1b[?7l")  # no line wraps, so that each is one row
    try:
        yield paint
    finally:
        clear()
        door.write("\x1b[?7h")
        stream.flush()


def coloured_line(line: str) -> str:
    """A line whose colours stay, and of which nothing else steers a terminal or a runner."""
    colours = SGR.findall(line)
    texts = map(escape_line, SGR.split(line))
    return "".join(text + colour for text, colour in zip(texts, [*colours, ""], strict=True))


def tell_commands(lines: Iterable[str]) -> None:
    """Print workflow commands that the runner is meant to execute; the caller has escaped their text."""
    sys.stdout.writelines(f"{one_line(line)}\n" for line in lines)


def tell_text(text: str) -> None:
    """Print a text of several lines, made harmless; no line end is added."""
    sys.stdout.write("\n".join(map(escape_line, text.split("\n"))))


def tell_json(document: object, *, indent: int | None = None) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(document, indent=indent) + "\n")


def json_text(document: object, *, indent: int | None = None) -> str:
    """A document as printable ASCII: other characters, and what could control a runner, become JSON escapes."""
    return json.dumps(document, indent=indent).replace("\x7f", "\\u007f").replace("##[", "#\\u0023[")


def tell_bytes(content: bytes) -> None:
    """Print a file byte for byte into a pipe or a file; on a terminal, print it as harmless text."""
    if sys.stdout.isatty():
        tell_text(content.decode(errors="surrogateescape"))
        return
    cast(SafeStream, _guarded(sys.stdout)).write_bytes(content)


def ask(question: str) -> str:
    """Print the question and return the line that the user types."""
    sys.stdout.write(harmless(question))
    sys.stdout.flush()
    return sys.stdin.readline()

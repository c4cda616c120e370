"""A control-mode client: one tmux process that reads any number of commands and answers each.

The protocol is in tmux(1), "Control mode". An answer is between `%begin TIME NUMBER FLAGS` and the `%end` or `%error`
with the same number. Lines outside are notifications, which are ignored here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from select import select
from types import TracebackType
from typing import NamedTuple, Self

from reconciler.ports.child_process import ChildProcess

ENDED_EARLY = "tmux ended early"
_SILENCE_SECONDS = 30
_ATTACHED = b"%session-changed "


class TmuxBlock(NamedTuple):
    """The answer to one command. `ours` means that the command came from this client's input."""

    lines: tuple[str, ...]
    failed: bool
    ours: bool


class TmuxAnswer(NamedTuple):
    """The output of a list of commands, up to its end or to the command that failed with `error`."""

    lines: tuple[str, ...]
    error: str = ""


def parse_blocks(lines: Iterable[str]) -> Iterator[TmuxBlock]:
    """The blocks in a control client's output, each as soon as it is complete.

    It stops at a block whose first line cannot be read, because later blocks could be matched with a wrong command.
    """
    number, ours, body = "", False, list[str]()
    for line in lines:
        mark, *fields = line.split(" ")
        if not number and mark == "%begin":
            if len(fields) < 3 or not fields[2].isdecimal():
                return
            number, ours, body = fields[1], int(fields[2][-1]) & 1 == 1, []
        elif number and mark in ("%end", "%error") and fields[1:2] == [number]:
            yield TmuxBlock(tuple(body), mark == "%error", ours)
            number = ""
        elif number:
            body.append(line)


class ControlClient:
    """A running control client. `argv` must make it attach to a session."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], *, wrapper: Sequence[str] = (), files: int = 0
    ) -> None:
        """Start the client, which ends when this process ends. The arguments are those of `ChildProcess`.

        A server that the client starts may open `files` files.

        Raises:
            OSError: The client cannot be started.
        """
        self._child = ChildProcess(argv, environment, wrapper=wrapper, files=files)
        self._complaint = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.end(_SILENCE_SECONDS)

    def ask(self, command_lists: Sequence[Sequence[str]]) -> Iterator[TmuxAnswer]:
        """Run lists of commands. Yields one answer for each list, in order. After tmux has ended, all fail."""
        text = "".join(f"{' ; '.join(commands)}\n" for commands in command_lists)
        blocks = self._own_blocks(text.encode(errors="surrogateescape"))
        for commands in command_lists:
            yield self._answer(len(commands), blocks)

    def _answer(self, count: int, blocks: Iterator[TmuxBlock]) -> TmuxAnswer:
        done = list[TmuxBlock]()
        for block in islice(blocks, count):
            if block.failed:
                return TmuxAnswer(_lines(done), "\n".join(block.lines))
            done.append(block)
        ended = f"{ENDED_EARLY}: {self._complaint}" if self._complaint else ENDED_EARLY
        return TmuxAnswer(_lines(done), "" if len(done) == count else ended)

    def _own_blocks(self, text: bytes) -> Iterator[TmuxBlock]:
        for block in parse_blocks(_split_lines(self._exchange(memoryview(text)))):
            if block.ours:
                yield block
            elif block.failed:
                self._complaint = "\n".join(block.lines)

    def _exchange(self, text: memoryview) -> Iterator[bytes]:
        """Write `text` to tmux and yield its output, until tmux ends or prints nothing for a time limit.

        It writes and reads in turns, because tmux stops reading while its output is not read. It writes nothing before
        the client is attached: tmux 3.3a would run the commands at once, and give new sessions the client's PATH
        instead of their own.
        """
        source, sink = self._child.stdout, self._child.stdin
        os.set_blocking(sink, False)
        greeting = b""
        while True:
            sinks = [sink] if text and _ATTACHED in greeting else []
            readable, writable, _ = select([source], sinks, [], _SILENCE_SECONDS)
            if writable:
                text = text[_write(sink, text) :]
            if readable:
                chunk = os.read(source, 1 << 16)
                if not chunk:
                    self._complaint = self._child.complaints() or self._complaint
                    return
                greeting = greeting if _ATTACHED in greeting else greeting + chunk
                yield chunk
            if not readable and not writable:
                self._complaint = f"no answer in {_SILENCE_SECONDS} s"
                return


def _lines(blocks: Iterable[TmuxBlock]) -> tuple[str, ...]:
    return tuple(line for block in blocks for line in block.lines)


def _write(descriptor: int, text: memoryview) -> int:
    try:
        return os.write(descriptor, text)
    except BrokenPipeError:  # tmux has ended; the reading side will report why
        return len(text)


def _split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="surrogateescape")

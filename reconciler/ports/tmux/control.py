"""A control-mode client: one tmux process that takes any number of commands and answers each.

The protocol is that of tmux(1), "Control mode": an answer stands between `%begin TIME NUMBER FLAGS`
and `%end` or `%error` of the same number; what stands outside is news, which nobody here reads.
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
    """What tmux said to one command; `ours` when this client's input held the command."""

    lines: tuple[str, ...]
    failed: bool
    ours: bool


class TmuxAnswer(NamedTuple):
    """What a list of commands printed up to its end, or to the command that failed with `error`."""

    lines: tuple[str, ...]
    error: str = ""


def parse_blocks(lines: Iterable[str]) -> Iterator[TmuxBlock]:
    """The blocks in a control client's output, each as soon as it is complete.

    Ends at a block whose head cannot be read: what follows could be taken for the answer to another command.
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
    """A running control client; `argv` must make it attach to a session."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], *, around: Sequence[str] = (), files: int = 0
    ) -> None:
        """Start the client, which ends with us; the arguments are those of `ChildProcess`.

        A server that the client starts is allowed to open `files` files.

        Raises:
            OSError: It cannot be started.
        """
        self._child = ChildProcess(argv, environment, around=around, files=files)
        self._complaint = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.leave(_SILENCE_SECONDS)

    def ask(self, command_lists: Sequence[Sequence[str]]) -> Iterator[TmuxAnswer]:
        """One answer for each list of commands, in order; after the end of tmux they all fail."""
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
        """What tmux prints while it reads `text`; ends with tmux, or when it falls silent.

        Writes and reads by turns, since tmux stops to read while its output is not taken. Nothing is
        said before the client is attached: tmux 3.3a would run it at once, and give new sessions the
        client's PATH instead of their own.
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
    except BrokenPipeError:  # its end shows on the reading side, with the reason
        return len(text)


def _split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="surrogateescape")

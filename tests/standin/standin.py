#!/usr/bin/env -S python3 -IBS
"""Plays an agent CLI under the name it is called by: see `bin/`, and the file of that name beside this one.

It takes the CLI's options, keeps its files and ids, shows its titles and ends as it does; it has no
model, and writes nothing but the CLI's own files. Words in a prompt steer it:

    hang       busy until a line `done`
    ask        waits for permission until a line `yes`
    crash N    prints a few lines and exits with status N

and so does the environment:

    STANDIN_BUSY=SECONDS        how long a turn takes (0)
    STANDIN_EXIT=N              exits at once with status N
    STANDIN_IGNORE=TERM,QUIT    what it is deaf to: signals by name, QUIT is the quit word
    STANDIN_CLAUDE=old          Claude Code 2.1.197 instead of 2.1.330
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
from collections import deque
from importlib import import_module
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any, Protocol, Self

BUSY_SECONDS = float(os.environ.get("STANDIN_BUSY", "0"))
IGNORED = frozenset(os.environ.get("STANDIN_IGNORE", "").split(","))
QUIT_SECONDS = 0.3
INTERRUPT, END = "\x03", "\x04"
PROMPT = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} "
KEYS = re.compile(
    rb"\x1b\[200~(?P<paste>.*?)\x1b\[201~"
    rb"|\x1b\[(?!200~)[0-?]*[ -/]*[@-~]|\x1b[^\[]"  # other keys with a name: they mean nothing here
    rb"|(?P<key>[^\x1b])",
    re.DOTALL,
)


class Agent(Protocol):
    """What a CLI is, beside its screen: its module makes one from `options`, or refuses with SystemExit."""

    quit: str
    alternate_screen: bool

    def banner(self) -> str: ...
    def title(self, status: str) -> str: ...
    def report(self, status: str) -> None: ...
    def record(self, role: str, text: str) -> None: ...
    def command(self, line: str, /) -> bool: ...
    def farewell(self, last_line: str, /) -> str: ...
    def close(self) -> None: ...


class Crash(Exception):
    """A prompt asked for the end of the program with this status."""


class Terminal:
    """A terminal in raw mode: submitted lines come out, text and titles go in."""

    def __init__(self, *, alternate_screen: bool) -> None:
        self.lines: deque[str] = deque()
        self._unread = b""
        self._typed = b""
        self._alternate_screen = alternate_screen
        self._before = termios.tcgetattr(0) if os.isatty(0) else None

    def __enter__(self) -> Self:
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, raw(self._before))
        write("\x1b[?1049h\x1b[H" * self._alternate_screen + "\x1b[?2004h")
        return self

    def __exit__(self, *_: object) -> None:
        write("\x1b[?2004l" + "\x1b[?1049l" * self._alternate_screen)
        if self._before:
            termios.tcsetattr(0, termios.TCSANOW, self._before)

    def line(self, deadline: float | None = None) -> str | None:
        """The next line that was submitted, INTERRUPT or END; None when none came before the deadline."""
        while not self.lines:
            seconds = None if deadline is None else max(0.0, deadline - monotonic())
            if not select.select([0], [], [], seconds)[0]:
                return None
            self._read()
        return self.lines.popleft()

    def _read(self) -> None:
        self._unread += read_or_hang_up()
        while key := KEYS.match(self._unread):
            self._unread = self._unread[key.end() :]
            self._press(key["key"] or b"", key["paste"] or b"")
        shown = self._typed.decode(errors="replace").splitlines() or [""]
        write(f"\r\x1b[K{PROMPT}{shown[0]}" + f" [+{len(shown) - 1} lines]" * (len(shown) > 1))

    def _press(self, key: bytes, paste: bytes) -> None:
        match key:
            case b"\r" | b"\n":
                self._submit(self._typed.decode(errors="replace"))
            case b"\x03" | b"\x04":
                self._submit(key.decode())
            case b"\x15":
                self._typed = b""
            case b"\x7f":
                self._typed = self._typed[:-1]
            case _:
                self._typed += key + paste.replace(b"\r", b"\n")

    def _submit(self, line: str) -> None:
        self._typed = b""
        self.lines.append(line)


def raw(attributes: list[Any]) -> list[Any]:
    """Terminal attributes under which every key arrives as it was pressed."""
    iflag, oflag, cflag, lflag, *rest = attributes
    lflag &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    return [iflag & ~(termios.ICRNL | termios.IXON), oflag, cflag, lflag, *rest]


def write(text: str) -> None:
    """Writes all of `text`, unless nobody is left to read it."""
    data = text.encode(errors="replace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return


def read_or_hang_up() -> bytes:
    """What was typed. Without a terminal there is nothing left to do but end, or to wait for a signal."""
    try:
        data = os.read(0, 65536)
    except OSError:
        data = b""
    while not data and "HUP" in IGNORED:
        signal.pause()
    return data or sys.exit(0)


def serve(agent: Agent, terminal: Terminal) -> str:
    """Takes turns until the user quits; returns the line or key that did it."""
    before = ""
    while True:
        line = terminal.line() or ""
        if line == before and line in {INTERRUPT, END}:
            return line
        before = line
        if line in {INTERRUPT, END}:
            write(f"\r\x1b[KPress Ctrl-{'C' if line == INTERRUPT else 'D'} again to exit\n{PROMPT}")
        elif line == agent.quit:
            if "QUIT" not in IGNORED:
                lines_until(terminal, None, monotonic() + QUIT_SECONDS)
                return line
        elif line.strip() and not agent.command(line):
            take_turn(agent, terminal, line)


def take_turn(agent: Agent, terminal: Terminal, prompt: str) -> None:
    """Answers one prompt, and does what its words ask for."""
    tell(agent, "busy")
    agent.record("user", prompt)
    write(f"\r\x1b[K> {prompt}\n")
    if crash := re.search(r"\bcrash (\d+)", prompt):
        raise Crash(int(crash[1]))
    if re.search(r"\bask\b", prompt):
        ask(agent, terminal)
    elif re.search(r"\bhang\b", prompt):
        terminal.lines.extend(lines_until(terminal, "done"))
    else:
        terminal.lines.extend(lines_until(terminal, None, monotonic() + BUSY_SECONDS))
    reply = f"This is a canned reply to {len(prompt)} characters."
    agent.record("assistant", reply)
    write(f"● {reply}\n{PROMPT}")
    tell(agent, "idle")


def ask(agent: Agent, terminal: Terminal) -> None:
    """Waits at a permission prompt, where every other line that is typed is lost."""
    write(f"Do you want to proceed?\n{PROMPT}1. Yes\n  2. No\nEsc to cancel\n")
    tell(agent, "waiting")
    lines_until(terminal, "yes")
    tell(agent, "busy")


def lines_until(terminal: Terminal, word: str | None, deadline: float | None = None) -> list[str]:
    """The lines submitted before the line `word`, an interrupt or the deadline."""
    lines: list[str] = []
    while (line := terminal.line(deadline)) not in {word, INTERRUPT, None}:
        lines.append(str(line))
    return lines


def tell(agent: Agent, status: str) -> None:
    """Shows the status as the CLI does: in its files and in the title."""
    agent.report(status)
    write(f"\x1b]2;{agent.title(status)}\x07")


def parse(arguments: list[str], valued: frozenset[str], switches: frozenset[str]) -> tuple[dict[str, str], str]:
    """Options and the prompt, which stands last; an unknown option ends the program with status 1."""
    options, prompt = {}, ""
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            prompt = next(rest, "")
        elif name in valued:
            options[name] = value if equals else next(rest, "")
        elif not argument.startswith("-"):
            prompt = argument
        elif argument not in switches:
            raise SystemExit(f"error: unknown option '{argument}'")
    return options, prompt


def end_by_signal(number: int, _: FrameType | None) -> None:
    """Ends in order, once: a second signal must not disturb that."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def listen_for_signals() -> None:
    """From here on SIGTERM and SIGHUP end the program in order, or not at all."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        ignored = each.name.removeprefix("SIG") in IGNORED
        signal.signal(each, signal.SIG_IGN if ignored else end_by_signal)


def run(agent: Agent, prompt: str) -> str:
    """Shows the CLI until its user quits; returns its last words."""
    with Terminal(alternate_screen=agent.alternate_screen) as terminal:
        write(f"{agent.banner()}\n{PROMPT}")
        tell(agent, "idle")
        terminal.lines.extend([prompt] if prompt else [])
        return agent.farewell(serve(agent, terminal))


def main() -> int:
    """Runs the CLI that the program is called as; returns its exit status."""
    if status := os.environ.get("STANDIN_EXIT"):
        write("boom: the stand-in was told to fail\nboom: it does so at once\n")
        return int(status)
    name = Path(sys.argv[0]).name
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    profile = import_module(name.replace("-", "_"))
    options, prompt = parse(sys.argv[1:], profile.VALUED, profile.SWITCHES)
    listen_for_signals()
    agent: Agent = profile.start(options)
    try:
        write(run(agent, prompt))
    except Crash as crash:
        write("Fatal: the stand-in crashes\n    at a prompt that asked for it\n")
        return int(crash.args[0])
    finally:
        agent.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

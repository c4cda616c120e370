#!/usr/bin/env -S python3 -IBS
"""Plays an agent CLI under the name it is called by: see `bin/`, and the file of that name beside this one.

It takes the CLI's options, keeps its files and ids, shows its titles and dialogs and ends as it does;
it has no model, and writes nothing but the CLI's own files. Words in a prompt steer it:

    hang       busy until a line `done`
    ask        waits at the CLI's permission prompt
    crash N    prints a few lines and exits with status N

and so does the environment:

    STANDIN_BUSY=SECONDS        how long a turn takes (0)
    STANDIN_DELAY=SECONDS       how long a start takes: until then nothing is on disk (0)
    STANDIN_DIALOG=trust,...    start dialogs: onboarding, trust, apikey, login, hooks, where the CLI
                                has them and its settings do not answer them
    STANDIN_EXIT=N              exits with status N, at once or when its start has taken its time
    STANDIN_SWALLOW=N           how many times what submits is lost while text is in the input box (0)
    STANDIN_IGNORE=TERM,QUIT    what it is deaf to: signals by name, QUIT is the quit word
    STANDIN_CLAUDE=old          Claude Code 2.1.197 instead of 2.1.330
    STANDIN_CODEX=old           Codex 0.144.5 instead of 0.169.0
    STANDIN_DROPS=1             the first prompt of the command line is dropped

SIGUSR1 has it ask for a permission out of the blue, as background work does, SIGUSR2 after a while of
work, as a turn does that somebody began elsewhere; `surprised` in the conversation tells that somebody answered.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic
from types import FrameType

# A wheel has copies in `bin/` instead of links.
sys.path.insert(0, str(next(up for up in Path(__file__).resolve().parents if up.name == "standin")))

from agent import END, INTERRUPT, Agent, Program, ended
from terminal import IGNORED, Terminal, write

BUSY_SECONDS = float(os.environ.get("STANDIN_BUSY", "0"))
START_SECONDS = float(os.environ.get("STANDIN_DELAY", "0"))
DIALOGS = tuple(filter(None, os.environ.get("STANDIN_DIALOG", "").split(",")))
LOOK_AGAIN_SECONDS = 0.2
TURN_SECONDS = 0.1  # from the start of a turn to its question: no model answers sooner


class Crash(Exception):
    """A prompt asked for the end of the program with this status."""


def answer_dialogs(agent: Agent, terminal: Terminal) -> None:
    """Has the user answer the start dialogs; some answers end the program with status 1."""
    for name in (*DIALOGS, *agent.asks):
        if dialog := agent.dialog(name):
            choice = terminal.choose(dialog)
            if choice is None or choice in dialog.last_words:
                raise ended(1, dialog.last_words.get(dialog.default if choice is None else choice, ""))
            agent.answer(name, choice)


def open_conversation(agent: Agent, terminal: Terminal) -> None:
    """Opens it as soon as that is possible; a user who does not want to wait interrupts."""
    terminal.lines.extend(lines_until(terminal, None, monotonic() + START_SECONDS))
    shown = ""
    while why := agent.open():
        if why != shown:
            write(f"{why}\n")
        shown = why
        if terminal.line(monotonic() + LOOK_AGAIN_SECONDS) in {INTERRUPT, END}:
            sys.exit(0)


def serve(agent: Agent, terminal: Terminal) -> str:
    """Takes turns until the user quits; returns the line or key that did it."""
    pressed = 0
    before = ""
    while True:
        line = terminal.line() or ""
        pressed = pressed + 1 if line == before else 1
        before = line
        if line in {INTERRUPT, END}:
            if pressed == agent.presses.get(line):
                return line
            write(f"\r\x1b[KPress Ctrl-{'C' if line == INTERRUPT else 'D'} again to exit\n")
            terminal.draw()
        elif line == agent.quit:
            if "QUIT" not in IGNORED:
                lines_until(terminal, None, monotonic() + agent.quit_seconds)
                return line
        elif line.strip() and not agent.command(line):
            take_turn(agent, terminal, line)


def take_turn(agent: Agent, terminal: Terminal, prompt: str) -> None:
    """Answers one prompt, unless the user refuses what it takes."""
    tell(agent, terminal, "busy")
    agent.record("user", prompt)
    write(f"\r\x1b[J> {prompt}\n")
    terminal.draw()
    if crash := re.search(r"\bcrash (\d+)", prompt):
        raise Crash(int(crash[1]))
    reply = "Interrupted"
    if worked(agent, terminal, prompt):
        reply = f"This is a canned reply to {len(prompt)} characters."
        agent.record("assistant", reply)
    write(f"\r\x1b[J● {reply}\n")
    tell(agent, terminal, "idle")


def worked(agent: Agent, terminal: Terminal, prompt: str) -> bool:
    """Takes the time that the words of the prompt ask for; False when the user refused."""
    if re.search(r"\bask\b", prompt):
        return allowed(agent, terminal)
    if re.search(r"\bhang\b", prompt):
        terminal.lines.extend(lines_until(terminal, "done"))
    else:
        terminal.lines.extend(lines_until(terminal, None, monotonic() + BUSY_SECONDS))
    return True


def allowed(agent: Agent, terminal: Terminal) -> bool:
    """What the user answers at the permission prompt, if the CLI has one; the last choice of every CLI is no."""
    if agent.permission is None:
        return True
    while is_denied(choice := terminal.choose(agent.permission, lambda: tell(agent, terminal, "waiting")), agent):
        if agent.reason is None or terminal.choose(agent.reason) is not None:
            break
    tell(agent, terminal, "busy")
    return not is_denied(choice, agent)


def is_denied(choice: int | None, agent: Agent) -> bool:
    """Whether this choice of its permission prompt denies."""
    return agent.permission is None or choice in {None, len(agent.permission.choices) - 1}


def surprise(agent: Agent, terminal: Terminal, number: int) -> None:
    """Asks for a permission in the middle of whatever it does, and keeps that somebody answered."""
    busy = terminal.busy
    if number == signal.SIGUSR2:
        tell(agent, terminal, "busy")
        terminal.lines.extend(lines_until(terminal, None, monotonic() + TURN_SECONDS))
    answer = allowed(agent, terminal)
    agent.record("assistant", f"surprised: {answer}")
    tell(agent, terminal, "busy" if busy else "idle")


def lines_until(terminal: Terminal, word: str | None, deadline: float | None = None) -> list[str]:
    """The lines submitted before the line `word`, an interrupt or the deadline."""
    lines: list[str] = []
    while (line := terminal.line(deadline)) not in {word, INTERRUPT, None}:
        lines.append(str(line))
    return lines


def tell(agent: Agent, terminal: Terminal, status: str) -> None:
    """Shows the status as the CLI does: on the screen, in its files and in the title."""
    terminal.busy = status != "idle"
    if status != "waiting":
        terminal.draw()
    agent.report(status)
    write(f"\x1b]2;{agent.title(status)}\x07")


def parse(arguments: list[str], program: Program) -> tuple[dict[str, str], list[str]]:
    """Options, a switch with an empty value, and words; an unknown option ends the program."""
    options: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            words.extend(rest)
        elif name in program.valued:
            options[name] = value if equals else next(rest, "")
        elif not argument.startswith("-"):
            words.append(argument)
        elif argument in program.switches:
            options[argument] = ""
        else:
            raise ended(program.unknown_status, program.unknown.format(argument))
    return options, words


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


def launch() -> None:
    """Goes on in a child, as the CLIs do whose launcher does nothing but wait: it passes SIGTERM on."""
    held = {signal.SIGHUP, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, held)  # whoever sees the child meets a launcher that is ready for them
    child = os.fork()
    if child:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.exit(status if status >= 0 else 128 - status)


def run(agent: Agent, prompt: str) -> str:
    """Shows the CLI until its user quits; returns its last words."""
    with Terminal(agent, lambda number: surprise(agent, terminal, number)) as terminal:
        answer_dialogs(agent, terminal)
        open_conversation(agent, terminal)
        write(f"{agent.banner()}\n")
        tell(agent, terminal, "idle")
        terminal.lines.extend([prompt] if prompt else [])
        return agent.farewell(serve(agent, terminal))


def play(agent: Agent, prompt: str) -> int:
    """Runs the CLI to its end; returns its exit status."""
    try:
        write(run(agent, prompt))
    except Crash as crash:
        write("Fatal: the stand-in crashes\n    at a prompt that asked for it\n")
        return int(crash.args[0])
    finally:
        agent.close()
    return 0


def main() -> int:
    """Plays the CLI that the program is called as; returns its exit status."""
    if status := os.environ.get("STANDIN_EXIT"):
        select.select([], [], [], START_SECONDS)
        write("boom: the stand-in was told to fail\nboom: it does so at once\n")
        return int(status)
    profile = import_module(Path(sys.argv[0]).name.replace("-", "_"))
    if sys.argv[1:] == ["--version"]:
        write(f"{getattr(profile, 'VERSION', profile.PROGRAM.version)} (stand-in)\n")
        return 0
    options, words = parse(sys.argv[1:], profile.PROGRAM)
    listen_for_signals()
    agent, prompt = profile.start(options, words)
    if profile.PROGRAM.launcher:
        launch()
    return play(agent, "" if os.environ.get("STANDIN_DROPS") else prompt)


if __name__ == "__main__":
    sys.exit(main())
